// SPDX-License-Identifier: Apache-2.0
#include "policy/key_parts.h"

namespace cloak
{
namespace
{

/** What opens and closes a string that may have several lines. */
constexpr std::size_t kLongQuotes = 3;

/** So many quotes in a row end one: two may be the last of its text. */
constexpr std::size_t kMostClosingQuotes = 5;

/** Goes over a text of TOML and counts the parts of keys. */
class KeyScan
{
public:
	explicit KeyScan(std::string_view text) : text_(text) {}

	std::optional<Position> findDeep()
	{
		while (at_ < text_.size()) {
			step();
			if (parts_ > kMostKeyParts)
				return begin_;
		}
		return std::nullopt;
	}

private:
	void step()
	{
		switch (const char character = text_[at_]) {
		case '"':
		case '\'':
			beginPart();
			skipString(character);
			return;
		case '#':
			skipTo('\n');
			return;
		case '.':
			++parts_;
			break;
		case ' ':
		case '\t':
		case '\r':
			break;
		case '\n':
		case '=':
		case ',':
		case '[':
		case ']':
		case '{':
		case '}':
			parts_ = 0;
			break;
		default:
			beginPart();
			break;
		}
		advance();
	}

	/** Remembers where a key begins, if it does here. */
	void beginPart()
	{
		if (parts_ != 0)
			return;
		parts_ = 1;
		begin_ = {0, line_, column_};
	}

	void skipString(char quote)
	{
		const std::size_t opening = countQuotes(quote, kLongQuotes);

		if (opening == kLongQuotes)
			skipLongString(quote);
		else if (opening == 1)
			skipShortString(quote);
		// Two of them are a string without a character.
	}

	/** The opening quote is passed; one that is not closed is no TOML. */
	void skipShortString(char quote)
	{
		while (at_ < text_.size() && text_[at_] != '\n') {
			const char character = text_[at_];
			skipEscape(quote);
			advance();
			if (character == quote)
				return;
		}
	}

	void skipLongString(char quote)
	{
		while (at_ < text_.size()) {
			if (countQuotes(quote, kMostClosingQuotes) >=
			    kLongQuotes)
				return;
			if (at_ < text_.size()) {
				skipEscape(quote);
				advance();
			}
		}
	}

	/** Passes a backslash, if it takes the meaning of what follows. */
	void skipEscape(char quote)
	{
		if (quote == '"' && text_[at_] == '\\' &&
		    at_ + 1 < text_.size())
			advance();
	}

	/** Passes the quotes that are here. @returns how many. */
	std::size_t countQuotes(char quote, std::size_t most)
	{
		std::size_t count = 0;

		for (;
		     count < most && at_ < text_.size() && text_[at_] == quote;
		     ++count)
			advance();
		return count;
	}

	void skipTo(char end)
	{
		while (at_ < text_.size() && text_[at_] != end)
			advance();
	}

	/** Columns are counted in characters, which may have several bytes. */
	void advance()
	{
		constexpr unsigned mask = 0xc0;
		constexpr unsigned continuation = 0x80;
		const char character = text_[at_++];

		if (character == '\n') {
			++line_;
			column_ = 1;
		} else if ((static_cast<unsigned char>(character) & mask) !=
		           continuation) {
			++column_;
		}
	}

	std::string_view text_;
	std::size_t at_ = 0;
	std::uint32_t line_ = 1;
	std::uint32_t column_ = 1;
	std::size_t parts_ = 0; //!< of the key that goes on here
	Position begin_;        //!< of that key
};

} // namespace

std::optional<Position> findDeepKey(std::string_view text)
{
	return KeyScan(text).findDeep();
}

} // namespace cloak
