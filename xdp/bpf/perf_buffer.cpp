// SPDX-License-Identifier: Apache-2.0
#include "bpf/perf_buffer.h"

#include <bpf/libbpf.h>
#include <fcntl.h>

#include "bpf/quiet.h"
#include "util/fd.h"

namespace cloak
{

struct PerfBuffer::State {
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

void PerfBuffer::State::onSample(void *context, int /*cpu*/, void *data,
                                 __u32 size)
{
	auto *state = static_cast<State *>(context);

	if (state->handler({static_cast<const std::uint8_t *>(data), size}))
		state->handled++;
	else
		state->malformed++;
}

void PerfBuffer::State::onLost(void *context, int /*cpu*/, __u64 count)
{
	static_cast<State *>(context)->lost += count;
}

Result<PerfBuffer> PerfBuffer::open(int map, const std::string &name,
                                    Handler handler, unsigned pagesPerCpu)
{
	auto state = std::make_unique<State>();

	quietLibbpf();
	state->handler = std::move(handler);
	state->map.reset(fcntl(map, F_DUPFD_CLOEXEC, 0));
	if (!state->map)
		return Error::fromErrno("cannot duplicate the map " + name);
	state->buffer.reset(perf_buffer__new(state->map.get(), pagesPerCpu,
	                                     State::onSample, State::onLost,
	                                     state.get(), nullptr));
	if (!state->buffer)
		return Error::fromErrno("cannot open the perf buffer " + name);
	return PerfBuffer(std::move(state));
}

PerfBuffer::PerfBuffer(std::unique_ptr<State> state) : state_(std::move(state))
{
}

PerfBuffer::PerfBuffer(PerfBuffer &&) noexcept = default;
PerfBuffer &PerfBuffer::operator=(PerfBuffer &&) noexcept = default;
PerfBuffer::~PerfBuffer() = default;

int PerfBuffer::pollFd() const
{
	return perf_buffer__epoll_fd(state_->buffer.get());
}

Result<unsigned> PerfBuffer::poll(std::chrono::milliseconds timeout)
{
	state_->handled = 0;
	const int err = perf_buffer__poll(state_->buffer.get(),
	                                  static_cast<int>(timeout.count()));

	if (err < 0 && err != -EINTR)
		return Error(-err, "cannot wait for records");
	return state_->handled;
}

Result<unsigned> PerfBuffer::consume()
{
	state_->handled = 0;
	const int err = perf_buffer__consume(state_->buffer.get());

	if (err < 0)
		return Error(-err, "cannot read records");
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
