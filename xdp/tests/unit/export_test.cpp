// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Couriers and receivers that go away, over real connections.
 */
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <functional>
#include <numeric>
#include <thread>

#include "export/receivers.h"
#include "util/clock.h"

namespace cloak
{
namespace
{

using namespace std::chrono_literals;

/** Nothing here takes longer, however busy the machine is. */
constexpr auto kPatience = 60s;

bool waitUntil(const std::function<bool()> &condition)
{
	const BootTime due = BootClock::now() + kPatience;

	while (!condition()) {
		if (BootClock::now() > due)
			return false;
		std::this_thread::sleep_for(10ms);
	}
	return true;
}

/** A receiver of lines at a port of its own, also while it is away. */
class Receiver
{
public:
	Receiver() { bindTo(0); }

	[[nodiscard]] ReceiverPolicy policy() const
	{
		ReceiverPolicy policy;

		policy.to.value = {Transport::Tcp, "127.0.0.1", port_};
		return policy;
	}

	/** Until then whoever connects is refused. What nobody reads stays
	 * with the sender. */
	void come() { ASSERT_EQ(listen(listener_.get(), 1), 0); }

	/** Drops the connection and refuses new ones. */
	void go()
	{
		connection_.reset();
		listener_.reset();
		bindTo(port_);
	}

	/** Takes a connection and what comes first, then does not want it. */
	void reject()
	{
		connection_ = Fd(accept(listener_.get(), nullptr, nullptr));
		limitWaiting(connection_.get());
		ASSERT_TRUE(receive());
		buffer_.clear();
		go();
	}

	/** The next @p count lines. */
	std::vector<std::string> lines(std::size_t count)
	{
		std::vector<std::string> found;

		if (!connection_)
			connection_ =
			    Fd(accept(listener_.get(), nullptr, nullptr));
		limitWaiting(connection_.get());
		while (found.size() < count) {
			const std::size_t end = buffer_.find('\n', read_);
			if (end == std::string::npos) {
				if (!receive())
					break;
				continue;
			}
			found.push_back(buffer_.substr(read_, end - read_));
			read_ = end + 1;
		}
		return found;
	}

private:
	static void limitWaiting(int fd)
	{
		timeval patience{};

		patience.tv_sec = kPatience.count();
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
		           sizeof(patience));
	}

	bool receive()
	{
		std::array<char, 65536> chunk{};
		const ssize_t size =
		    recv(connection_.get(), chunk.data(), chunk.size(), 0);

		if (size <= 0)
			return false;
		buffer_.erase(0, read_);
		read_ = 0;
		buffer_.append(chunk.data(), static_cast<std::size_t>(size));
		return true;
	}

	void bindTo(std::uint16_t port)
	{
		sockaddr_in address{};
		socklen_t length = sizeof(address);
		auto *generic = reinterpret_cast<sockaddr *>(&address);
		const int yes = 1;
		const int little = 65536;

		listener_ = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
		setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes,
		           sizeof(yes));
		setsockopt(listener_.get(), SOL_SOCKET, SO_RCVBUF, &little,
		           sizeof(little));
		limitWaiting(listener_.get());
		address.sin_family = AF_INET;
		address.sin_port = htons(port);
		address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		ASSERT_EQ(bind(listener_.get(), generic, length), 0);
		getsockname(listener_.get(), generic, &length);
		port_ = ntohs(address.sin_port);
	}

	Fd listener_;
	Fd connection_;
	std::uint16_t port_ = 0;
	std::string buffer_;
	std::size_t read_ = 0;
};

class LineEncoder : public Encoder<std::string>
{
public:
	Result<std::vector<std::string>>
	encode(const std::vector<std::string> &items) override
	{
		std::string message;

		for (const std::string &item : items)
			message += item + "\n";
		return std::vector<std::string>{std::move(message)};
	}
};

using LineCourier = Courier<std::string>;

LineCourier courierTo(const Receiver &receiver)
{
	return {receiver.policy(),
	        [] { return std::make_unique<LineEncoder>(); }};
}

void push(LineCourier &courier, std::size_t from, std::size_t count)
{
	for (std::size_t i = from; i < from + count; ++i)
		courier.push(std::to_string(i));
}

/** The numbers from @p from on, one a line. */
void expectNumbers(const std::vector<std::string> &lines, std::size_t from,
                   std::size_t count)
{
	ASSERT_EQ(lines.size(), count);
	for (std::size_t i = 0; i < count; ++i)
		ASSERT_EQ(lines[i], std::to_string(from + i));
}

constexpr std::size_t kMost = LineCourier::kMostItems;
constexpr std::size_t kBeyond = 1000;

TEST(Courier, KeepsUpToALimitForOneWhoIsAwayAndCountsTheRest)
{
	Receiver receiver;
	LineCourier courier = courierTo(receiver);

	push(courier, 0, kMost + kBeyond);
	ASSERT_TRUE(waitUntil([&] { return courier.stats().failed > 0; }));
	// However much comes, there is no more of it in memory.
	push(courier, 0, 10 * kMost);
	const CourierStats away = courier.stats();
	EXPECT_EQ(away.waiting, kMost);
	EXPECT_EQ(away.dropped, kBeyond + 10 * kMost);
	EXPECT_EQ(away.sent, 0U);
	EXPECT_FALSE(away.connected);
	EXPECT_FALSE(away.lastError.empty());

	receiver.come();
	expectNumbers(receiver.lines(kMost), 0, kMost);
	ASSERT_TRUE(waitUntil([&] { return courier.stats().waiting == 0; }));
	push(courier, kMost, kBeyond);
	expectNumbers(receiver.lines(kBeyond), kMost, kBeyond);
	ASSERT_TRUE(
	    waitUntil([&] { return courier.stats().sent == kMost + kBeyond; }));
	const CourierStats back = courier.stats();
	EXPECT_EQ(back.dropped, away.dropped);
	EXPECT_TRUE(back.connected);
}

TEST(Courier, KeepsNoMoreOctetsThanItMay)
{
	constexpr std::size_t large = LineCourier::kMostBytes / 16;
	const std::string line(large - sizeof(std::string), 'x');
	const std::string longest(LineCourier::kMostBytes, 'x');
	Receiver receiver;
	LineCourier courier = courierTo(receiver);

	courier.push(longest);
	for (std::size_t i = 0; i < 20; ++i)
		courier.push(line);
	courier.push("");
	EXPECT_EQ(courier.stats().waiting, 16U);
	EXPECT_EQ(courier.stats().dropped, 6U);

	receiver.come();
	EXPECT_EQ(receiver.lines(16), std::vector<std::string>(16, line));
	ASSERT_TRUE(waitUntil([&] { return courier.stats().waiting == 0; }));
	// What has gone makes room again.
	courier.push("");
	courier.push(line);
	EXPECT_EQ(receiver.lines(2), (std::vector<std::string>{"", line}));
	EXPECT_EQ(courier.stats().dropped, 6U);
}

TEST(Courier, GoesOnWhenAReceiverIsBack)
{
	Receiver receiver;
	LineCourier courier = courierTo(receiver);

	receiver.come();
	push(courier, 0, kBeyond);
	expectNumbers(receiver.lines(kBeyond), 0, kBeyond);
	ASSERT_TRUE(waitUntil([&] { return courier.stats().sent == kBeyond; }));
	receiver.go();
	ASSERT_TRUE(waitUntil([&] { return !courier.stats().connected; }));
	push(courier, kBeyond, kMost + kBeyond);
	EXPECT_EQ(courier.stats().waiting, kMost);
	EXPECT_EQ(courier.stats().dropped, kBeyond);
	receiver.come();
	expectNumbers(receiver.lines(kMost), kBeyond, kMost);
	EXPECT_TRUE(
	    waitUntil([&] { return courier.stats().sent == kBeyond + kMost; }));
}

/** A number with so much behind it that few of them fill a buffer. */
std::string longLine(std::size_t number)
{
	constexpr std::size_t length = 16384;
	std::string line = std::to_string(number) + " ";

	line.resize(length, 'x');
	return line;
}

TEST(OnWay, ItemsHaveArrivedWithTheirLastOctet)
{
	OnWay way;

	way.add(100, 3);
	way.add(250, 2);
	EXPECT_EQ(way.arrived(99), 0U);
	EXPECT_EQ(way.arrived(100), 3U);
	EXPECT_EQ(way.arrived(100), 0U);
	EXPECT_EQ(way.items(), 2U);
	way.add(300, 1);
	EXPECT_EQ(way.arrived(1000), 3U);
	EXPECT_EQ(way.items(), 0U);
	way.add(1100, 7);
	way.clear();
	EXPECT_EQ(way.arrived(2000), 0U);
	EXPECT_EQ(way.items(), 0U);
}

TEST(Courier, EndsAlthoughNobodyIsThere)
{
	const Receiver receiver;
	const BootTime begun = BootClock::now();

	{
		LineCourier courier = courierTo(receiver);
		push(courier, 0, kBeyond);
		ASSERT_TRUE(
		    waitUntil([&] { return courier.stats().failed > 0; }));
	}
	EXPECT_LT(BootClock::now() - begun, kPatience);
}

/** A store that outlives the courier, and tells what it has. */
class Memory : public Store<std::string>
{
public:
	explicit Memory(std::deque<std::string> &kept) : kept_(kept) {}

	Result<std::vector<std::string>> recall() override
	{
		return std::vector<std::string>(kept_.begin(), kept_.end());
	}
	Status keep(const std::vector<std::string> &items) override
	{
		kept_.insert(kept_.end(), items.begin(), items.end());
		return {};
	}
	Status drop(const std::vector<std::string> &items) override
	{
		kept_.erase(kept_.begin(),
		            kept_.begin() +
		                static_cast<std::ptrdiff_t>(items.size()));
		return {};
	}
	Status clear() override
	{
		kept_.clear();
		return {};
	}

private:
	std::deque<std::string> &kept_;
};

LineCourier courierTo(const Receiver &receiver, std::deque<std::string> &kept)
{
	return {receiver.policy(),
	        [] { return std::make_unique<LineEncoder>(); },
	        std::make_unique<Memory>(kept)};
}

TEST(Courier, KeepsWhatWaitsAndDeliversItAfterARestart)
{
	std::deque<std::string> kept;
	Receiver receiver;

	{
		LineCourier courier = courierTo(receiver, kept);
		push(courier, 0, kBeyond);
		// On the disk also of one that is killed.
		ASSERT_TRUE(
		    waitUntil([&] { return courier.stats().kept == kBeyond; }));
		push(courier, kBeyond, 1);
	}
	EXPECT_EQ(kept.size(), kBeyond + 1);
	LineCourier courier = courierTo(receiver, kept);
	push(courier, kBeyond + 1, 1);
	receiver.come();
	expectNumbers(receiver.lines(kBeyond + 2), 0, kBeyond + 2);
	ASSERT_TRUE(waitUntil([&] { return courier.stats().waiting == 0; }));
	EXPECT_TRUE(waitUntil([&] { return courier.stats().kept == 0; }));
}

TEST(Courier, DeliversInItsLastMoment)
{
	std::deque<std::string> kept;
	Receiver receiver;

	receiver.come();
	{
		LineCourier courier = courierTo(receiver, kept);
		push(courier, 0, kBeyond);
	}
	expectNumbers(receiver.lines(kBeyond), 0, kBeyond);
	EXPECT_TRUE(kept.empty());
}

/** More than the buffers of a connection hold, in the first item alone. */
template <typename Queue> void pushMuch(Queue &queue)
{
	constexpr std::size_t large = LineCourier::kMostBytes * 15 / 16;

	queue.push(std::string(large, 'x'));
	for (std::size_t i = 1; i < 16; ++i)
		queue.push(std::string(1000, 'x'));
}

TEST(Courier, EndsAlthoughNobodyReads)
{
	std::deque<std::string> kept;
	Receiver receiver;
	auto end = BootClock::now();

	receiver.come();
	{
		LineCourier courier = courierTo(receiver, kept);
		pushMuch(courier);
		ASSERT_TRUE(waitUntil([&] {
			return courier.stats().failed > 0 ||
			       courier.stats().connected;
		}));
		end = BootClock::now() + LineCourier::kGrace +
		      LineCourier::kClosing;
	}
	EXPECT_LT(BootClock::now(), end + 1s);
	EXPECT_EQ(kept.size(), 16U);
}

constexpr std::size_t kLongLines = 64;

/**
 * Until the kernel has taken all of them, the receiver's host only some, and
 * the others are in the store for that.
 */
CourierStats getStuck(LineCourier &courier)
{
	CourierStats stats;

	for (std::size_t i = 0; i < kLongLines; ++i)
		courier.push(longLine(i));
	EXPECT_TRUE(waitUntil([&] {
		stats = courier.stats();
		return stats.kept > 0 && stats.kept == stats.waiting;
	}));
	EXPECT_TRUE(stats.connected);
	EXPECT_EQ(stats.failed, 0U);
	EXPECT_EQ(stats.sent + stats.waiting, kLongLines);
	return stats;
}

TEST(Courier, KeepsWhatIsNotAcknowledgedForLong)
{
	std::deque<std::string> kept;
	Receiver receiver;
	LineCourier courier = courierTo(receiver, kept);

	receiver.come();
	getStuck(courier);
	EXPECT_EQ(receiver.lines(kLongLines).size(), kLongLines);
	ASSERT_TRUE(
	    waitUntil([&] { return courier.stats().sent == kLongLines; }));
	ASSERT_TRUE(waitUntil([&] { return courier.stats().kept == 0; }));
	EXPECT_EQ(courier.stats().failed, 0U);
}

TEST(Courier, SendsAgainWhatWasNotAcknowledged)
{
	std::deque<std::string> kept;
	Receiver receiver;
	LineCourier courier = courierTo(receiver, kept);

	receiver.come();
	const CourierStats stuck = getStuck(courier);
	receiver.go();
	ASSERT_TRUE(waitUntil([&] { return courier.stats().failed > 0; }));
	EXPECT_FALSE(courier.stats().connected);
	EXPECT_EQ(courier.stats().waiting, stuck.waiting);
	EXPECT_FALSE(courier.stats().lastError.empty());

	receiver.come();
	const auto lines = receiver.lines(stuck.waiting);
	ASSERT_EQ(lines.size(), stuck.waiting);
	for (std::size_t i = 0; i < lines.size(); ++i)
		ASSERT_EQ(lines[i], longLine(stuck.sent + i));
	ASSERT_TRUE(
	    waitUntil([&] { return courier.stats().sent == kLongLines; }));
	EXPECT_EQ(courier.stats().waiting, 0U);
	EXPECT_EQ(courier.stats().lastError, "");
}

TEST(Receipts, AreKnownByTheirTime)
{
	const Receipts::Time begin{};
	Receipts receipts;

	receipts.note(100, begin + 1s);
	receipts.note(100, begin + 2s);
	receipts.note(250, begin + 3s);
	EXPECT_EQ(receipts.until(begin), 0U);
	EXPECT_EQ(receipts.until(begin + 1s), 100U);
	EXPECT_EQ(receipts.until(begin + 2s), 100U);
	EXPECT_EQ(receipts.until(begin + 3s), 250U);
	receipts.note(250, begin + 4s);
	receipts.note(300, begin + 5s);
	EXPECT_EQ(receipts.until(begin + 4s), 250U);
	receipts.clear();
	EXPECT_EQ(receipts.until(begin + 5s), 0U);
}

/** His host has acknowledged all of it. */
TEST(Courier, SendsAgainWhatOneHasAcceptedWhoThenRejects)
{
	std::deque<std::string> kept;
	Receiver receiver;
	LineCourier courier = courierTo(receiver, kept);

	receiver.come();
	push(courier, 0, 10);
	receiver.reject();
	ASSERT_TRUE(waitUntil([&] { return courier.stats().kept == 10; }));
	const CourierStats rejected = courier.stats();
	EXPECT_EQ(rejected.sent, 0U);
	EXPECT_EQ(rejected.waiting, 10U);
	EXPECT_FALSE(rejected.lastError.empty());

	receiver.come();
	expectNumbers(receiver.lines(10), 0, 10);
	ASSERT_TRUE(waitUntil([&] { return courier.stats().sent == 10; }));
	EXPECT_EQ(courier.stats().waiting, 0U);
	EXPECT_EQ(courier.stats().lastError, "");
}

ReceiverPolicy named(const Receiver &receiver, const char *certificate)
{
	ReceiverPolicy policy = receiver.policy();

	policy.certificate = certificate;
	return policy;
}

using LineReceivers = Receivers<std::string>;

class ReceiversTest : public testing::Test
{
protected:
	std::deque<std::string> kept_;
	Receiver receiver_;
	LineReceivers receivers_{"syslog",
	                         [](const ReceiverPolicy &) {
					 return std::make_unique<LineEncoder>();
				 },
	                         [this](const ReceiverPolicy &) {
					 return std::make_unique<Memory>(kept_);
				 }};

	CourierStats stats()
	{
		std::vector<std::pair<std::string, CourierStats>> all;

		receivers_.addStats(all);
		return all.empty() ? CourierStats{} : all.front().second;
	}

	bool haveLeft()
	{
		return waitUntil([&] {
			receivers_.tick();
			return receivers_.leaving() == 0;
		});
	}
};

TEST_F(ReceiversTest, DoesNotWaitForOneWhoDoesNotRead)
{
	receiver_.come();
	receivers_.configure({receiver_.policy()});
	pushMuch(receivers_);
	const auto begun = BootClock::now();
	receivers_.configure({});
	EXPECT_LT(BootClock::now() - begun, 1s);
	EXPECT_TRUE(receivers_.empty());
	EXPECT_TRUE(haveLeft());
	EXPECT_EQ(receivers_.lost(), 16U);
	EXPECT_TRUE(kept_.empty());
}

/** It has other means to get there, and all that it had. */
TEST_F(ReceiversTest, GoesOnWithOtherCertificates)
{
	receivers_.configure({receiver_.policy()});
	receivers_.push("0");
	ASSERT_TRUE(waitUntil([&] { return stats().kept == 1; }));
	receivers_.configure({named(receiver_, "new.pem")});
	EXPECT_EQ(receivers_.leaving(), 0U);
	receivers_.push("1");
	receiver_.come();
	expectNumbers(receiver_.lines(2), 0, 2);
	EXPECT_EQ(receivers_.lost(), 0U);
}

TEST_F(ReceiversTest, TakesOneBackWhoWasNotWantedForAMoment)
{
	receivers_.configure({receiver_.policy()});
	receivers_.push("0");
	receivers_.configure({});
	receivers_.configure({receiver_.policy()});
	EXPECT_EQ(receivers_.leaving(), 0U);
	// Lost or not, all are accounted for, and what comes now arrives.
	const auto lost = receivers_.lost();
	receivers_.push("1");
	receiver_.come();
	expectNumbers(receiver_.lines(2 - lost), lost, 2 - lost);
}

/** Receivers who hang as long as they are told to, as by an unknown name. */
class HangingTest : public testing::Test
{
protected:
	/** A store, and how many there are at most at the same time. */
	class Counted final : public Memory
	{
	public:
		explicit Counted(HangingTest &test)
		    : Memory(test.kept_), test_(test)
		{
			test_.mostStores_ =
			    std::max<int>(test_.mostStores_, ++test_.stores_);
		}
		~Counted() override { --test_.stores_; }

	private:
		HangingTest &test_;
	};

	void TearDown() override { hangs_ = false; }

	/** One named "good" never hangs. */
	std::unique_ptr<LineEncoder> connected(const ReceiverPolicy &receiver)
	{
		++connected_;
		while (hangs_ && receiver.certificate != "good")
			std::this_thread::sleep_for(10ms);
		return std::make_unique<LineEncoder>();
	}

	std::unique_ptr<LineReceivers> receivers()
	{
		return std::make_unique<LineReceivers>(
		    "syslog",
		    [this](const ReceiverPolicy &to) { return connected(to); },
		    [this](const ReceiverPolicy &) {
			    return std::make_unique<Counted>(*this);
		    });
	}

	/** Of the first receiver. */
	static CourierStats stats(const LineReceivers &receivers)
	{
		std::vector<std::pair<std::string, CourierStats>> all;

		receivers.addStats(all);
		return all.empty() ? CourierStats{} : all.front().second;
	}

	std::deque<std::string> kept_;
	std::atomic<bool> hangs_ = true;
	std::atomic<int> connected_ = 0;
	std::atomic<int> stores_ = 0;
	std::atomic<int> mostStores_ = 0;
	Receiver receiver_;
};

TEST_F(HangingTest, OneWhoComesBackBeginsHisStoreAnew)
{
	auto receivers = this->receivers();

	receivers->configure({receiver_.policy()});
	receivers->push("lost");
	ASSERT_TRUE(waitUntil([&] { return stats(*receivers).kept == 1; }));
	receiver_.come();
	ASSERT_TRUE(waitUntil([&] { return connected_ == 1; }));
	receivers->configure({});
	ASSERT_TRUE(waitUntil([&] {
		receivers->tick();
		return receivers->lost() == 1;
	}));
	receivers->configure({receiver_.policy()});
	EXPECT_EQ(receivers->leaving(), 0U);
	receivers->push("1");
	receiver_.go();
	hangs_ = false;
	ASSERT_TRUE(waitUntil([&] { return stats(*receivers).kept == 1; }));
	receivers.reset();
	EXPECT_EQ(kept_, std::deque<std::string>{"1"});
	EXPECT_EQ(mostStores_, 1);
}

/** Of two at the same place one has ended, and has no store. */
TEST_F(HangingTest, AStoreHasOneOwnerAlsoWhileHeEnds)
{
	const ReceiverPolicy hanging = receiver_.policy();
	const ReceiverPolicy good = named(receiver_, "good");
	auto receivers = this->receivers();

	receiver_.come();
	receivers->configure({hanging});
	receivers->push("lost");
	ASSERT_TRUE(waitUntil([&] { return connected_ == 1; }));
	receivers->configure({good, hanging});
	receivers->configure({});
	std::this_thread::sleep_for(LineCourier::kGrace + 1s);
	receivers->configure({good});
	EXPECT_EQ(mostStores_, 1);
	hangs_ = false;
	receivers.reset();
	EXPECT_EQ(mostStores_, 1);
}

} // namespace
} // namespace cloak
