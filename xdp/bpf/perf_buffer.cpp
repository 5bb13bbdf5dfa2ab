// SPDX-License-Identifier: Apache-2.0
#include "bpf/perf_buffer.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <vector>

#include "bpf/cpus.h"
#include "bpf/quiet.h"
#include "util/fd.h"

namespace cloak
{
namespace
{

struct RingDeleter {
	void operator()(perf_buffer *ring) const { perf_buffer__free(ring); }
};

/** libbpf's perf buffer for one CPU alone. */
using Ring = std::unique_ptr<perf_buffer, RingDeleter>;

int fdOf(const Ring &ring)
{
	return perf_buffer__buffer_fd(ring.get(), 0);
}

/** Every record at once, and the reader is woken for each. */
perf_event_attr outputOfBpf()
{
	perf_event_attr attr{};

	attr.size = sizeof(attr);
	attr.type = PERF_TYPE_SOFTWARE;
	attr.config = PERF_COUNT_SW_BPF_OUTPUT;
	attr.sample_type = PERF_SAMPLE_RAW;
	attr.sample_period = 1;
	attr.wakeup_events = 1;
	return attr;
}

/** What libbpf hands over as a perf_event_header, by its type. */
struct SampleRecord {
	perf_event_header header;
	__u32 size;
};

struct LostRecord {
	perf_event_header header;
	__u64 id;
	__u64 lost;
};

} // namespace

struct PerfBuffer::State {
	~State() { unbind(); }

	static bpf_perf_event_ret onRecord(void *context, int cpu,
	                                   perf_event_header *record);
	void take(std::span<const std::uint8_t> bytes);
	Status openRing(unsigned cpu);
	Status bindRing(unsigned cpu, const Ring &ring) const;
	void unbind();

	std::string name;
	unsigned pages = 0;
	Handler handler;
	unsigned handled = 0; // since the last call of poll() or consume()
	std::uint64_t lost = 0;
	std::uint64_t malformed = 0;
	Fd home;  // a map of no other use, in which libbpf puts the rings
	Fd map;   // that they are bound to; none: to none
	Fd epoll; // of all rings
	std::vector<unsigned> cpus; // that were online
	std::map<unsigned, Ring> rings;
};

void PerfBuffer::State::take(std::span<const std::uint8_t> bytes)
{
	if (!handler)
		return;
	if (handler(bytes))
		handled++;
	else
		malformed++;
}

bpf_perf_event_ret PerfBuffer::State::onRecord(void *context, int /*cpu*/,
                                               perf_event_header *record)
{
	auto *state = static_cast<State *>(context);
	const auto *bytes = reinterpret_cast<const std::uint8_t *>(record);
	SampleRecord sample{};
	LostRecord missing{};

	if (record->type == PERF_RECORD_SAMPLE) {
		std::memcpy(&sample, bytes, sizeof(sample));
		state->take({bytes + sizeof(sample), sample.size});
	} else if (record->type == PERF_RECORD_LOST) {
		std::memcpy(&missing, bytes, sizeof(missing));
		state->lost += missing.lost;
	}
	return LIBBPF_PERF_EVENT_CONT;
}

Status PerfBuffer::State::openRing(unsigned cpu)
{
	perf_event_attr attr = outputOfBpf();
	int number = static_cast<int>(cpu);
	epoll_event interest{};
	LIBBPF_OPTS(perf_buffer_raw_opts, options);

	options.cpu_cnt = 1;
	options.cpus = &number;
	options.map_keys = &number;
	Ring ring(perf_buffer__new_raw(home.get(), pages, &attr, onRecord, this,
	                               &options));
	if (!ring)
		return Error::fromErrno("cannot open the perf buffer " + name +
		                        " of CPU " + std::to_string(cpu));
	interest.events = EPOLLIN;
	if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fdOf(ring), &interest) != 0)
		return Error::fromErrno("cannot watch the perf buffer " + name);
	auto bound = map ? bindRing(cpu, ring) : Status();
	if (bound)
		rings.insert_or_assign(cpu, std::move(ring));
	return bound;
}

Status PerfBuffer::State::bindRing(unsigned cpu, const Ring &ring) const
{
	const int fd = fdOf(ring);

	if (bpf_map_update_elem(map.get(), &cpu, &fd, BPF_ANY))
		return Error::fromErrno("cannot write to map " + name);
	return {};
}

void PerfBuffer::State::unbind()
{
	for (const auto &[cpu, ring] : rings)
		if (map)
			bpf_map_delete_elem(map.get(), &cpu);
	map.reset();
	handler = nullptr;
}

Result<PerfBuffer> PerfBuffer::open(const std::string &name,
                                    unsigned pagesPerCpu)
{
	auto state = std::make_unique<State>();
	const int possible = libbpf_num_possible_cpus();

	quietLibbpf();
	if (possible < 0)
		return Error(-possible, "cannot tell how many CPUs there are");
	state->name = name;
	state->pages = pagesPerCpu;
	state->epoll.reset(epoll_create1(EPOLL_CLOEXEC));
	if (!state->epoll)
		return Error::fromErrno("cannot watch the perf buffer " + name);
	state->home.reset(bpf_map_create(
	    BPF_MAP_TYPE_PERF_EVENT_ARRAY, "rings", sizeof(__u32),
	    sizeof(__u32), static_cast<__u32>(possible), nullptr));
	if (!state->home)
		return Error::fromErrno("cannot create a map for " + name);
	PerfBuffer buffer(std::move(state));
	Status opened = buffer.followCpus();
	if (!opened)
		return opened.error();
	return buffer;
}

PerfBuffer::PerfBuffer(std::unique_ptr<State> state) : state_(std::move(state))
{
}

PerfBuffer::PerfBuffer(PerfBuffer &&) noexcept = default;
PerfBuffer &PerfBuffer::operator=(PerfBuffer &&) noexcept = default;
PerfBuffer::~PerfBuffer() = default;

Status PerfBuffer::bind(int map, Handler handler)
{
	Status bound;

	unbind();
	state_->handler = std::move(handler);
	state_->map.reset(fcntl(map, F_DUPFD_CLOEXEC, 0));
	if (!state_->map)
		return Error::fromErrno("cannot duplicate the map " +
		                        state_->name);
	for (const auto &[cpu, ring] : state_->rings)
		if (bound)
			bound = state_->bindRing(cpu, ring);
	if (!bound)
		unbind();
	return bound;
}

void PerfBuffer::unbind()
{
	state_->unbind();
}

/** The ring of a CPU that has gone is dead, also when the CPU comes back. */
Status PerfBuffer::followCpus()
{
	auto cpus = onlineCpus();
	Status opened;

	if (!cpus)
		return cpus.error();
	if (*cpus == state_->cpus)
		return {};
	std::erase_if(state_->rings, [&cpus](const auto &ring) {
		return !std::ranges::binary_search(*cpus, ring.first);
	});
	for (const unsigned cpu : *cpus)
		if (opened && !state_->rings.contains(cpu))
			opened = state_->openRing(cpu);
	if (opened)
		state_->cpus = *std::move(cpus);
	return opened;
}

int PerfBuffer::pollFd() const
{
	return state_->epoll.get();
}

Result<unsigned> PerfBuffer::poll(std::chrono::milliseconds timeout)
{
	epoll_event ready{};

	if (epoll_wait(pollFd(), &ready, 1, static_cast<int>(timeout.count())) <
	        0 &&
	    errno != EINTR)
		return Error::fromErrno("cannot wait for records");
	return consume();
}

Result<unsigned> PerfBuffer::consume()
{
	state_->handled = 0;
	for (const auto &[cpu, ring] : state_->rings) {
		const int err = perf_buffer__consume(ring.get());
		if (err < 0)
			return Error(-err, "cannot read records");
	}
	return state_->handled;
}

std::uint64_t PerfBuffer::lost() const
{
	return state_->lost;
}

std::uint64_t PerfBuffer::malformed() const
{
	return state_->malformed;
}

} // namespace cloak
