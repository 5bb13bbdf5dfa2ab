// SPDX-License-Identifier: Apache-2.0
/**
 * @file
 * Lines for one receiver in a file of the state folder.
 */
#ifndef CLOAKLAKE_EXPORT_SPOOL_H
#define CLOAKLAKE_EXPORT_SPOOL_H

#include <cstdint>
#include <string>
#include <string_view>

#include "export/store.h"
#include "util/fd.h"

namespace cloak
{

/** The path of the spool for @p destination in @p folder. */
[[nodiscard]] std::string spoolPath(const std::string &folder,
                                    std::string_view destination);

/**
 * A file that is there only while it has something: where the first line begins
 * that is not delivered yet, then the lines. What is kept is on the disk. Who
 * is killed while he writes leaves a part of a line, which is cut off; who is
 * killed between delivering and noting it delivers once more.
 */
class Spool final : public Store<std::string>
{
public:
	/** Neither what a former daemon has left nor its own grows longer. */
	static constexpr std::uint64_t kMostBytes = 16UL << 20U;

	explicit Spool(std::string path) : path_(std::move(path)) {}

	[[nodiscard]] Result<std::vector<std::string>> recall() override;
	Status keep(const std::vector<std::string> &lines) override;
	Status drop(const std::vector<std::string> &lines) override;
	Status clear() override;

private:
	Status begin();
	Status compact();
	Status noteBegin() const;

	std::string path_;
	Fd fd_;                   //!< while there is a file
	std::uint64_t begin_ = 0; //!< of what is not delivered
	std::uint64_t end_ = 0;
};

} // namespace cloak

#endif // CLOAKLAKE_EXPORT_SPOOL_H
