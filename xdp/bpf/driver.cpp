// SPDX-License-Identifier: Apache-2.0
#include "bpf/driver.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "util/fd.h"

namespace cloak
{
namespace
{

/** hv_netvsc has a virtual function (SR-IOV) below it, now or later. */
constexpr std::array<std::string_view, 2> kHandOn = {"bonding", "hv_netvsc"};

Error cannotTell(unsigned ifindex)
{
	// ENXIO is for what has no number, ENODEV for what has no name.
	const int code = errno == ENXIO ? ENODEV : errno;

	return Error(code,
	             "cannot ask for the driver of " + interfaceText(ifindex));
}

/** By its name; with errno if there is none to tell. */
std::string askDriver(int socket, ifreq &request)
{
	ethtool_drvinfo info{};

	info.cmd = ETHTOOL_GDRVINFO;
	request.ifr_data = reinterpret_cast<char *>(&info);
	errno = 0;
	if (ioctl(socket, SIOCETHTOOL, &request) != 0)
		return {};
	return {info.driver, strnlen(info.driver, sizeof(info.driver))};
}

} // namespace

Result<std::string> driverOf(unsigned ifindex)
{
	const Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
	ifreq request{};

	if (!socket)
		return cannotTell(ifindex);
	while (if_indextoname(ifindex, request.ifr_name) != nullptr) {
		const std::string driver = askDriver(socket.get(), request);
		const int failure = errno;

		// Another one may have got its name meanwhile.
		if (if_nametoindex(request.ifr_name) != ifindex)
			continue;
		if (failure == 0 || failure == EOPNOTSUPP)
			return driver;
		errno = failure;
		break;
	}
	return cannotTell(ifindex);
}

bool handsNativeOn(std::string_view driver)
{
	return std::ranges::find(kHandOn, driver) != kHandOn.end();
}

Result<XdpChoice> choiceWith(const std::string &driver, XdpChoice choice)
{
	if (!handsNativeOn(driver))
		return choice;
	if (choice == XdpChoice::Native)
		return Error("its driver, " + driver +
		             ", hands native programs to its ports, where the "
		             "cloak does not know them: attach = \"generic\"");
	return XdpChoice::Generic;
}

} // namespace cloak
