#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What xdp/shadow does here, in each supported kernel.
#
# where: guest
# timeout: 500
# shellcheck disable=SC2034 # for shadow.sh
idle=40
. "$(dirname "$0")/shadow.sh"
