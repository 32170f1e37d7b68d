
/*
 * TLS for connections to memcached, version 1.2 and later.  The server's
 * certificate is always verified, for the name or address in the "memcached"
 * directive.  No function blocks, and all leave OpenSSL's error queue empty.
 * The process must ignore SIGPIPE, since OpenSSL uses write().
 */


#ifndef SSS_TLS_H_INCLUDED
#define SSS_TLS_H_INCLUDED


#include <stddef.h>
#include <sys/types.h>


/* The certificates and parameters of a cluster. */
typedef struct sss_tls_s       sss_tls_t;

/* A server, to which there is at most one connection at a time. */
typedef struct sss_tls_peer_s  sss_tls_peer_t;


typedef enum {
    SSS_TLS_DONE = 0,
    SSS_TLS_AGAIN,              /* call again when the socket is ready; see
                                   sss_tls_wants_write()                   */
    SSS_TLS_FAILED              /* sss_tls_reason() says why               */
} sss_tls_rc_t;


/* Returns NULL without memory. */
sss_tls_t *sss_tls_create(void);
void sss_tls_destroy(sss_tls_t *tls);

/*
 * Each of these reads a PEM file:
 *
 *     sss_tls_trust()        certificates, each of which is trusted, whether
 *                            it is self-signed or not
 *     sss_tls_certificate()  the certificate that this client sends, and after
 *                            it the intermediate ones
 *     sss_tls_key()          its private key, without a passphrase; to be
 *                            called after sss_tls_certificate()
 *
 * They return NULL, or else OpenSSL's static description of the error.
 */
const char *sss_tls_trust(sss_tls_t *tls, const char *file);
const char *sss_tls_certificate(sss_tls_t *tls, const char *file);
const char *sss_tls_key(sss_tls_t *tls, const char *file);

/*
 * Creates a peer.  The server's certificate must be valid for "host", a name
 * or a numeric address; a name is also sent as SNI.  "host" is copied, and
 * "tls" must outlive the peer.  Returns NULL without memory.
 */
sss_tls_peer_t *sss_tls_peer_create(sss_tls_t *tls, const char *host);
void sss_tls_peer_destroy(sss_tls_peer_t *peer);

/*
 * Begins TLS on a connected, non-blocking socket, which stays the caller's.
 * The last session with this server is offered for resumption.  The caller
 * then calls sss_tls_handshake() until that is done.  Returns 0, or -1 without
 * memory.
 */
int sss_tls_begin(sss_tls_peer_t *peer, int fd);

/* Goes on with the handshake. */
sss_tls_rc_t sss_tls_handshake(sss_tls_peer_t *peer);

/*
 * Like recv() and send(), they return the number of bytes; 0 if the server has
 * closed the connection; -1 with errno EAGAIN if they are to be called again
 * when the socket is ready; or -1 with another errno if the connection has
 * failed, and sss_tls_reason() says why.
 *
 * A read should have room for 16384 bytes, the most that one TLS record has.
 * Else OpenSSL may keep bytes for which the socket will not become readable.
 */
ssize_t sss_tls_read(sss_tls_peer_t *peer, void *p, size_t size);
ssize_t sss_tls_write(sss_tls_peer_t *peer, const void *p, size_t n);

/* 1 if the last call is to be repeated when the socket is writable. */
int sss_tls_wants_write(const sss_tls_peer_t *peer);

/* 1 if the connection has resumed a session. */
int sss_tls_resumed(const sss_tls_peer_t *peer);

/* Why the last call failed; valid until the peer is used again. */
const char *sss_tls_reason(const sss_tls_peer_t *peer);

/* Ends TLS before the caller closes the socket.  Nothing is sent. */
void sss_tls_end(sss_tls_peer_t *peer);


#endif /* SSS_TLS_H_INCLUDED */
