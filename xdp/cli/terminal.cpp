// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

#include "util/quote.h"

namespace cloak
{
namespace
{

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l\x1b[2J";
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view kHome = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";
constexpr std::string_view kReverse = "\x1b[7m";
constexpr std::string_view kPlain = "\x1b[0m";

constexpr std::array<int, 5> kFatal = {SIGINT, SIGTERM, SIGHUP, SIGQUIT,
                                       SIGPIPE};

/** As they were. Written before handlers are in place, then only read. */
termios original{};
sigset_t unblocked{};

/** Safe in handlers, as is tcsetattr(). */
bool writeAll(std::string_view text)
{
	while (!text.empty()) {
		const ssize_t written =
		    write(STDOUT_FILENO, text.data(), text.size());
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text.remove_prefix(static_cast<std::size_t>(written));
	}
	return true;
}

void take()
{
	termios raw = original;

	raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	writeAll(kEnter);
}

void giveBack()
{
	writeAll(kLeave);
	tcsetattr(STDIN_FILENO, TCSANOW, &original);
}

/** Ends as the signal would have ended it, with the terminal in order. */
void onFatal(int signal)
{
	giveBack();
	std::signal(signal, SIG_DFL);
	raise(signal);
}

/** Comes back from the second line when it is continued. */
void onStop(int)
{
	const int saved = errno;

	giveBack();
	raise(SIGSTOP);
	take();
	errno = saved;
}

/** That a call was interrupted says all. */
void onResize(int) {}

void handle(int signal, void (*handler)(int))
{
	struct sigaction action {
	};

	action.sa_handler = handler;
	sigaction(signal, &action, nullptr);
}

} // namespace

Terminal::Terminal()
{
	tcgetattr(STDIN_FILENO, &original);
	for (const int signal : kFatal)
		handle(signal, onFatal);
	handle(SIGTSTP, onStop);
	handle(SIGWINCH, onResize);
	// It comes while somebody waits, and then is not missed.
	sigset_t resizing{};
	sigemptyset(&resizing);
	sigaddset(&resizing, SIGWINCH);
	sigprocmask(SIG_BLOCK, &resizing, &unblocked);
	take();
}

Terminal::~Terminal()
{
	for (const int signal : kFatal)
		handle(signal, SIG_DFL);
	handle(SIGTSTP, SIG_DFL);
	handle(SIGWINCH, SIG_DFL);
	sigprocmask(SIG_SETMASK, &unblocked, nullptr);
	giveBack();
}

bool Terminal::isThere()
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

ScreenSize Terminal::size()
{
	winsize found{};

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &found) != 0 ||
	    found.ws_col == 0 || found.ws_row == 0)
		return {};
	return {found.ws_col, found.ws_row};
}

void Terminal::show(const std::vector<ScreenLine> &lines)
{
	const ScreenSize screen = size();
	std::string frame(kHome);

	for (std::size_t i = 0; i < lines.size() && i < screen.height; ++i) {
		std::string text = printable(lines[i].text);

		text.resize(std::min(text.size(), screen.width));
		if (lines[i].heading) {
			text.resize(screen.width, ' ');
			text = std::string(kReverse) + text;
			text += kPlain;
		}
		// No end of line behind the last row: it would scroll.
		frame += i == 0 ? "" : "\n";
		frame += text;
		if (!lines[i].heading)
			frame += kClearLine;
	}
	writeAll(frame + std::string(kClearBelow));
}

int Terminal::waitForKey(std::chrono::milliseconds patience)
{
	pollfd keyboard = {STDIN_FILENO, POLLIN, 0};
	char key = 0;

	const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
	const timespec limit = {
	    seconds.count(),
	    std::chrono::nanoseconds(patience - seconds).count()};

	if (ppoll(&keyboard, 1, &limit, &unblocked) <= 0)
		return 0;
	if (::read(STDIN_FILENO, &key, 1) != 1)
		return errno == EINTR ? 0 : -1;
	return static_cast<unsigned char>(key);
}

} // namespace cloak
