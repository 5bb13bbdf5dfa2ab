// SPDX-License-Identifier: Apache-2.0
#include "bpf/perf_reader.h"

#include <bpf/libbpf.h>
#include <fcntl.h>

#include <cstring>

#include "bpf/quiet.h"
#include "util/fd.h"

namespace cloak
{

struct PerfReader::State {
	struct BufferDeleter {
		void operator()(perf_buffer *buffer) const
		{
			perf_buffer__free(buffer);
		}
	};

	static void onSample(void *context, int cpu, void *data, __u32 size);
	static void onLost(void *context, int cpu, __u64 count);

	Handler handler;
	unsigned handled = 0; // since the last call of poll() or consume()
	std::uint64_t lost = 0;
	std::uint64_t malformed = 0;
	Fd map; // before buffer, which uses it until it is freed
	std::unique_ptr<perf_buffer, BufferDeleter> buffer;
};

void PerfReader::State::onSample(void *context, int /*cpu*/, void *data,
                                 __u32 size)
{
	auto *state = static_cast<State *>(context);
	cloak_event event{};

	if (size < sizeof(event)) {
		state->malformed++;
		return;
	}
	// Records are aligned to 4 bytes more than the event is to 8: copy.
	std::memcpy(&event, data, sizeof(event));
	if (event.head_len > size - sizeof(event)) {
		state->malformed++;
		return;
	}
	state->handled++;
	const auto *bytes = static_cast<const std::uint8_t *>(data);
	state->handler(event, {bytes + sizeof(event), event.head_len});
}

void PerfReader::State::onLost(void *context, int /*cpu*/, __u64 count)
{
	static_cast<State *>(context)->lost += count;
}

Result<PerfReader> PerfReader::open(const CloakMaps &maps, Handler handler,
                                    unsigned pagesPerCpu)
{
	auto state = std::make_unique<State>();

	quietLibbpf();
	state->handler = std::move(handler);
	state->map.reset(fcntl(maps.events.get(), F_DUPFD_CLOEXEC, 0));
	if (!state->map)
		return Error::fromErrno("cannot duplicate the map events");
	state->buffer.reset(perf_buffer__new(state->map.get(), pagesPerCpu,
	                                     State::onSample, State::onLost,
	                                     state.get(), nullptr));
	if (!state->buffer)
		return Error::fromErrno("cannot open the perf buffer");
	return PerfReader(std::move(state));
}

PerfReader::PerfReader(std::unique_ptr<State> state) : state_(std::move(state))
{
}

PerfReader::PerfReader(PerfReader &&) noexcept = default;
PerfReader &PerfReader::operator=(PerfReader &&) noexcept = default;
PerfReader::~PerfReader() = default;

int PerfReader::pollFd() const
{
	return perf_buffer__epoll_fd(state_->buffer.get());
}

Result<unsigned> PerfReader::poll(std::chrono::milliseconds timeout)
{
	state_->handled = 0;
	const int err = perf_buffer__poll(state_->buffer.get(),
	                                  static_cast<int>(timeout.count()));

	if (err < 0 && err != -EINTR)
		return Error(-err, "cannot wait for events");
	return state_->handled;
}

Result<unsigned> PerfReader::consume()
{
	state_->handled = 0;
	const int err = perf_buffer__consume(state_->buffer.get());

	if (err < 0)
		return Error(-err, "cannot read events");
	return state_->handled;
}

std::uint64_t PerfReader::lost() const
{
	return state_->lost;
}

std::uint64_t PerfReader::malformed() const
{
	return state_->malformed;
}

} // namespace cloak
