// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Prometheus' text format, as far as it is needed here.
 */
#ifndef CLOAKLAKE_DAEMON_EXPOSITION_H
#define CLOAKLAKE_DAEMON_EXPOSITION_H

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloak
{

/** Writes families of samples one after the other. */
class Exposition
{
public:
	using Labels = std::vector<std::pair<std::string_view, std::string>>;

	/** Begins a family, which all samples belong to up to the next. */
	void family(std::string name, std::string_view type,
	            std::string_view help)
	{
		name_ = "cloaklake_" + std::move(name);
		text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name_,
		                     help, type);
	}

	template <typename Number>
	void sample(const Labels &labels, Number value)
	{
		std::string list;

		for (const auto &[key, label] : labels)
			list +=
			    fmt::format("{}{}=\"{}\"", list.empty() ? "" : ",",
			                key, escaped(label));
		text_ += list.empty()
		             ? fmt::format("{} {}\n", name_, value)
		             : fmt::format("{}{{{}}} {}\n", name_, list, value);
	}

	[[nodiscard]] std::string take() { return std::move(text_); }

private:
	static std::string escaped(const std::string &label)
	{
		std::string result;

		for (const char character : label) {
			if (character == '"' || character == '\\' ||
			    character == '\n')
				result += '\\';
			result += character == '\n' ? 'n' : character;
		}
		return result;
	}

	std::string name_;
	std::string text_;
};

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_EXPOSITION_H
