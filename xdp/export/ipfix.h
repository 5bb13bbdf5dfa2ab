// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Flows as IPFIX (RFC 7011), both directions in one record (RFC 5103).
 */
#ifndef CLOAKLAKE_EXPORT_IPFIX_H
#define CLOAKLAKE_EXPORT_IPFIX_H

#include <memory>

#include "export/courier.h"
#include "model/flow.h"

namespace cloak
{

/** Whether IPFIX has a record for it: ARP has none. */
[[nodiscard]] bool isForIpfix(const Flow &flow);

/** Encodes flows with libfixbuf, templates first. */
class IpfixEncoder final : public Encoder<Flow>
{
public:
	/**
	 * @param datagrams messages are kept short, and templates are told
	 * again from time to time, as either may be lost.
	 */
	explicit IpfixEncoder(bool datagrams);
	~IpfixEncoder() override;

	[[nodiscard]] Result<std::vector<std::string>>
	encode(const std::vector<Flow> &flows) override;

private:
	struct State;

	std::unique_ptr<State> state_;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_IPFIX_H
