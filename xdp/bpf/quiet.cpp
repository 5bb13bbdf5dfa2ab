// SPDX-License-Identifier: Apache-2.0
#include "bpf/quiet.h"

#include <bpf/libbpf.h>

namespace cloak
{

void quietLibbpf()
{
	libbpf_set_print(nullptr);
}

} // namespace cloak
