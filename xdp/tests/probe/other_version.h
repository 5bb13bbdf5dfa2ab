/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Before all else in the parts of a release whose maps are not those of this
 * one: it says so, and the kernel would not take the one for the other.
 */
#include "abi/base.h"

#undef CLOAK_ABI_VERSION
#define CLOAK_ABI_VERSION 1000

#undef CLOAK_MAX_SOURCES
#define CLOAK_MAX_SOURCES 32768
