/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes of the bit vectors in alternatives.bpf.c, for it and for what fills
 * them.
 */
#ifndef CLOAKLAKE_TESTS_BENCH_VECTOR_H
#define CLOAKLAKE_TESTS_BENCH_VECTOR_H

/* For 5,120 rules: 640 octets a vector. */
#define VECTOR_BITS 64 /* of a word */
#define VECTOR_WORDS 80
#define MOST_VECTORS 16384

/* In a word of a vector, of rules that another field may still refuse. */
#define MOST_HITS 4

#endif /* CLOAKLAKE_TESTS_BENCH_VECTOR_H */
