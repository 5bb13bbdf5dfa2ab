// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Errors as values.
 *
 * A function that can fail returns Result<T>, or Status if there is nothing
 * to return. Both are [[nodiscard]]: the caller looks, forwards, or says
 * ignore() and thereby admits it.
 *
 * 1. Return a value or an error:
 *        Result<int> parse(std::string_view text)
 *        {
 *            if (text.empty())
 *                return Error("the number is missing");
 *            ...
 *            return 42;
 *        }
 * 2. Look:
 *        auto number = parse(text);
 *        if (!number)
 *            return number.error().in("line 7");
 *        use(*number);
 * 3. A failed system call keeps its errno:
 *        return Error::fromErrno("cannot open /dev/null");
 */
#ifndef CLOAKLAKE_UTIL_RESULT_H
#define CLOAKLAKE_UTIL_RESULT_H

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

namespace cloak
{

/** What went wrong: a sentence for people and, if there is one, an errno. */
class Error
{
public:
	/** @param message a sentence without a full stop, without the errno. */
	explicit Error(std::string message) : message_(std::move(message)) {}

	/** @param code a positive errno value, 0 if there is none. */
	Error(int code, std::string message)
	    : code_(code), message_(std::move(message))
	{
	}

	/** An error with the errno of the call that has just failed. */
	[[nodiscard]] static Error fromErrno(std::string message)
	{
		return {errno, std::move(message)};
	}

	/** The errno value, 0 if the error came from no system call. */
	[[nodiscard]] int code() const { return code_; }

	/** The sentence, followed by the meaning of the errno if there is one.
	 */
	[[nodiscard]] std::string message() const
	{
		if (code_ == 0)
			return message_;
		return message_ + ": " + std::generic_category().message(code_);
	}

	/** The same error with the place it happened in put before it. */
	[[nodiscard]] Error in(const std::string &place) const
	{
		return {code_, place + ": " + message_};
	}

private:
	int code_ = 0;
	std::string message_;
};

/** A value of type T or an Error. */
template <typename T> class [[nodiscard]] Result
{
public:
	// Implicit on purpose: `return value;` and `return Error(...);`.
	Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
	Result(Error error) : content_(std::in_place_index<1>, std::move(error))
	{
	}

	[[nodiscard]] bool ok() const { return content_.index() == 0; }
	explicit operator bool() const { return ok(); }

	/** The value. The caller has looked at ok(). */
	[[nodiscard]] T &operator*() & { return *std::get_if<0>(&content_); }
	[[nodiscard]] const T &operator*() const &
	{
		return *std::get_if<0>(&content_);
	}
	[[nodiscard]] T &&operator*() &&
	{
		return std::move(*std::get_if<0>(&content_));
	}
	[[nodiscard]] T *operator->() { return std::get_if<0>(&content_); }
	[[nodiscard]] const T *operator->() const
	{
		return std::get_if<0>(&content_);
	}

	/** The value, or @p other if there is none. */
	[[nodiscard]] T valueOr(T other) &&
	{
		return ok() ? std::move(**this) : std::move(other);
	}

	/** The error. The caller has looked at ok(). */
	[[nodiscard]] const Error &error() const
	{
		return *std::get_if<1>(&content_);
	}

	/** Says that nothing depends on the outcome. */
	void ignore() const {}

private:
	std::variant<T, Error> content_;
};

/** Nothing, or an Error. */
template <> class [[nodiscard]] Result<void>
{
public:
	Result() = default;
	Result(Error error) : error_(std::move(error)), ok_(false) {}

	[[nodiscard]] bool ok() const { return ok_; }
	explicit operator bool() const { return ok_; }
	[[nodiscard]] const Error &error() const { return error_; }
	void ignore() const {}

private:
	Error error_{std::string()};
	bool ok_ = true;
};

using Status = Result<void>;

} // namespace cloak

#endif // CLOAKLAKE_UTIL_RESULT_H
