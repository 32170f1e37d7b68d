
/*
 * TLS for connections to memcached: version 1.2 and later, the server's
 * certificate always verified, for the name or address by which the operator
 * knows the server.  Nothing here ever waits, and OpenSSL's error queue is
 * left empty.  The owner ignores SIGPIPE.
 */


#ifndef SSS_TLS_H_INCLUDED
#define SSS_TLS_H_INCLUDED


#include <stddef.h>
#include <sys/types.h>


typedef struct sss_tls_s       sss_tls_t;       /* of a cluster            */

/* A server, to which there is one connection at a time. */
typedef struct sss_tls_peer_s  sss_tls_peer_t;


typedef enum {
    SSS_TLS_DONE = 0,
    SSS_TLS_AGAIN,              /* when the socket is ready                */
    SSS_TLS_FAILED              /* sss_tls_reason() says why               */
} sss_tls_rc_t;


/* Returns NULL without memory. */
sss_tls_t *sss_tls_create(void);
void sss_tls_destroy(sss_tls_t *tls);

/*
 * Reads a file: certificates, each of which is trusted; the certificate that
 * the client shows, with what leads to its authority; the key of this one,
 * which comes after it.  Returns NULL, or what is wrong in OpenSSL's words,
 * static.
 */
const char *sss_tls_trust(sss_tls_t *tls, const char *file);
const char *sss_tls_certificate(sss_tls_t *tls, const char *file);
const char *sss_tls_key(sss_tls_t *tls, const char *file);

/*
 * "host" is the name or number that the certificate has to have; a name is
 * sent to the server, too (SNI).  It is copied; "tls" outlives the peer.
 * Returns NULL without memory.
 */
sss_tls_peer_t *sss_tls_peer_create(sss_tls_t *tls, const char *host);
void sss_tls_peer_destroy(sss_tls_peer_t *peer);

/*
 * A socket that does not block has been connected: sss_tls_handshake() is
 * next, until it is done.  The last session of this server is resumed if it
 * agrees.
 * Returns 0, or -1 without memory.
 */
int sss_tls_begin(sss_tls_peer_t *peer, int fd);
sss_tls_rc_t sss_tls_handshake(sss_tls_peer_t *peer);

/*
 * As recv() and send(): bytes; 0: the server has closed the connection; -1
 * with errno EAGAIN: when the socket is ready; -1 with another errno: the
 * connection is over, and sss_tls_reason() says why.  16384 bytes of room for
 * a read leave nothing behind for which the socket would not be ready.
 */
ssize_t sss_tls_read(sss_tls_peer_t *peer, void *p, size_t size);
ssize_t sss_tls_write(sss_tls_peer_t *peer, const void *p, size_t n);

/* 1 if what was to be done again waits until the socket is writable. */
int sss_tls_wants_write(const sss_tls_peer_t *peer);

/* 1 if the connection resumed a session. */
int sss_tls_resumed(const sss_tls_peer_t *peer);

/* Good until the peer is used again. */
const char *sss_tls_reason(const sss_tls_peer_t *peer);

/* The connection is about to be closed. */
void sss_tls_end(sss_tls_peer_t *peer);


#endif /* SSS_TLS_H_INCLUDED */
