// SPDX-License-Identifier: Apache-2.0
#include "evidence/pcapng.h"

#include <algorithm>

namespace cloak
{
namespace
{

enum BlockType : std::uint32_t {
	kInterfaceBlock = 1,
	kPacketBlock = 6,
	kSectionHeaderBlock = 0x0a0d0d0a,
};

enum Option : std::uint16_t {
	kEndOfOptions = 0,
	kComment = 1,
	kPacketFlags = 2,
	kHardware = 2,
	kInterfaceName = 2,
	kSystem = 3,
	kApplication = 4,
	kTimeResolution = 9,
};

constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint16_t kLinkEthernet = 1;
constexpr std::uint8_t kNanoseconds = 9;
constexpr std::uint32_t kInbound = 1;
constexpr std::uint32_t kOutbound = 2;
constexpr std::size_t kLongestOption = 0xffff;

/** Gathers the body of one block. */
class Block
{
public:
	template <typename T> void number(T value)
	{
		body_.append(reinterpret_cast<const char *>(&value),
		             sizeof(value));
	}

	void padded(std::string_view bytes)
	{
		body_ += bytes;
		body_.append((4 - bytes.size() % 4) % 4, '\0');
	}

	void option(Option code, std::string_view value)
	{
		value = value.substr(0, kLongestOption);
		number<std::uint16_t>(code);
		number(static_cast<std::uint16_t>(value.size()));
		padded(value);
	}

	/** The block with its type in front and its length on both ends. */
	[[nodiscard]] std::string finish(BlockType type)
	{
		option(kEndOfOptions, {});
		Block whole;
		const auto length =
		    static_cast<std::uint32_t>(body_.size() + 12);
		whole.number<std::uint32_t>(type);
		whole.number(length);
		whole.body_ += body_;
		whole.number(length);
		return std::move(whole.body_);
	}

private:
	std::string body_;
};

std::string_view asText(std::span<const std::uint8_t> bytes)
{
	return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

} // namespace

std::string sectionHeaderBlock(std::string_view hardware,
                               std::string_view system,
                               std::string_view application)
{
	Block block;

	block.number(kByteOrderMagic);
	block.number<std::uint16_t>(1); // version 1.0
	block.number<std::uint16_t>(0);
	block.number<std::int64_t>(-1); // length of the section: not known
	block.option(kHardware, hardware);
	block.option(kSystem, system);
	block.option(kApplication, application);
	return block.finish(kSectionHeaderBlock);
}

std::string interfaceBlock(std::string_view name, std::uint32_t snaplen)
{
	const char resolution = kNanoseconds;
	Block block;

	block.number(kLinkEthernet);
	block.number<std::uint16_t>(0); // reserved
	block.number(snaplen);
	block.option(kInterfaceName, name);
	block.option(kTimeResolution, {&resolution, 1});
	return block.finish(kInterfaceBlock);
}

std::string packetBlock(const CapturedPacket &packet)
{
	const auto nanoseconds =
	    static_cast<std::uint64_t>(packet.time.time_since_epoch().count());
	const std::uint32_t flags = packet.outbound ? kOutbound : kInbound;
	Block block;

	block.number(packet.interface);
	block.number(static_cast<std::uint32_t>(nanoseconds >> 32U));
	block.number(static_cast<std::uint32_t>(nanoseconds));
	block.number(static_cast<std::uint32_t>(packet.bytes.size()));
	block.number(packet.length);
	block.padded(asText(packet.bytes));
	block.option(kPacketFlags,
	             {reinterpret_cast<const char *>(&flags), sizeof(flags)});
	if (!packet.comment.empty())
		block.option(kComment, packet.comment);
	return block.finish(kPacketBlock);
}

} // namespace cloak
