"""A staging cluster on one machine: nginx hosts, memcached servers, clients.

lab         what one run shares: temporary directory, network, certificates
net         a network namespace (or a loopback address) for each machine
process     waiting, processes, and who cleans up if this one is killed
memcached   one memcached server and what may happen to it
unusable    one that hosts cannot use, and what they say of it
conf        the text of an nginx configuration
nginx       one nginx host
cluster     hosts and memcached servers together
clients     TLS clients
load        steady load which counts what did not go as it should
balancer    HAProxy in front of the hosts
middlebox   in front of a memcached server: slow, or garbling
staging     all of it together, see staging.conf
dns         a DNS server of a host, whose answers change
forwarder   a TCP forwarder, slow or switching targets
tlsocket    a TLS connection that two threads use
proxy       between a host and memcached: slow, silent, or lying
callers     a TLS client in slow motion, and many quick ones at once
sessions    a TLS client whose sessions are bytes
filters     the filter in front of a connection, in the memory of a worker
record      the records in memcached, read without the library of the module
authority   certificates with given names and dates, and who revokes them
trust       whether a session of one server resumes at another
"""
