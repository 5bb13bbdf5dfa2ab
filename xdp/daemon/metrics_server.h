// SPDX-License-Identifier: Apache-2.0
#ifndef CLOAKLAKE_DAEMON_METRICS_SERVER_H
#define CLOAKLAKE_DAEMON_METRICS_SERVER_H

#include <functional>
#include <list>
#include <string>

#include "daemon/loop.h"
#include "model/endpoint.h"
#include "util/fd.h"
#include "util/local_socket.h"
#include "util/result.h"

namespace cloak
{

/**
 * Answers every HTTP request with one page, and closes. Whoever is slow or
 * says too much is left when others come; nobody waits for him.
 */
class MetricsServer
{
public:
	using Page = std::function<std::string()>;

	/** @param loop must outlive the server. */
	MetricsServer(Loop &loop, Page page);
	MetricsServer(const MetricsServer &) = delete;
	MetricsServer &operator=(const MetricsServer &) = delete;
	~MetricsServer();

	/**
	 * Listens there and nowhere else; nowhere if there is none. Called
	 * again, each second, it listens again where there were no descriptors
	 * for those who came.
	 */
	Status configure(const LocalEndpoint &endpoint);

private:
	struct Client {
		Fd fd;
		std::string input;
		std::string output;
	};

	static constexpr std::size_t kMostClients = 8;
	static constexpr std::size_t kLongestRequest = 8192;

	void close();
	Status resume();
	void accept();
	void serve(std::list<Client>::iterator client);
	bool receive(Client &client);
	void leave(std::list<Client>::iterator client);

	Loop &loop_;
	Page page_;
	LocalEndpoint endpoint_;
	Fd listener_;
	FileIdentity made_;         //!< its socket, if it has a path
	bool paused_ = false;       //!< nobody is accepted until resume()
	std::list<Client> clients_; //!< the oldest in front
};

} // namespace cloak

#endif // CLOAKLAKE_DAEMON_METRICS_SERVER_H
