
/*
 * A parser for the ClientHello that comes off the wire (RFC 5246, 7.4.1.2;
 * RFC 8446, 4.1.2).  It reads which session the client offers, and nothing
 * more.
 *
 * The bytes may come in pieces of any size, and the message may be split over
 * several records.  The parser sends no alerts: what it does not understand is
 * SSS_HELLO_OTHER, and OpenSSL, which gets the same bytes, decides what to do
 * with it.
 */


#ifndef SSS_HELLO_H_INCLUDED
#define SSS_HELLO_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_sni.h"


#define SSS_HELLO_MAX       131396      /* longest ClientHello that OpenSSL
                                           takes, without its header       */
#define SSS_HELLO_ID_MAX    32
#define SSS_HELLO_BINDER_MIN  32        /* RFC 8446, 4.2.11                */
#define SSS_HELLO_BINDER_MAX  64


typedef enum {
    SSS_HELLO_MORE = 0,         /* no error so far; more bytes are needed  */
    SSS_HELLO_DONE,             /* the ClientHello is complete             */
    SSS_HELLO_OTHER             /* these bytes are no ClientHello, or it is
                                   malformed                               */
} sss_hello_rc_t;


/* What the ClientHello offers; valid after SSS_HELLO_DONE. */

typedef struct {
    unsigned      tls13:1;      /* supported_versions has TLS 1.3          */
    unsigned      ticket:1;     /* the session_ticket extension has a ticket */
    unsigned      psk:1;        /* pre_shared_key has an identity          */
    unsigned      early:1;      /* the client announces early data         */
    unsigned      sni_bad:1;    /* server_name is one that sss_sni_parse()
                                   refuses                                 */
    uint8_t       id_len;       /* of legacy_session_id, 0 to 32           */
    uint8_t       id[SSS_HELLO_ID_MAX];
    uint8_t       psk_len;      /* 32: "psk_id" is the first PSK identity of
                                   32 bytes; OpenSSL takes only these for
                                   session IDs.  0: there is none          */
    uint8_t       psk_id[SSS_HELLO_ID_MAX];
    sss_sni_t     sni;          /* empty if no name was sent               */
} sss_hello_offer_t;


/*
 * What early data goes with: the first PSK, the only one that TLS 1.3 lets
 * have it.
 */

typedef struct {
    uint8_t      *identity;     /* the parser's                            */
    size_t        identity_len; /* at least 1                              */
    uint32_t      age;          /* obfuscated, ms                          */
    uint8_t       binder[SSS_HELLO_BINDER_MAX];
    size_t        binder_len;   /* at least SSS_HELLO_BINDER_MIN           */
} sss_hello_early_t;


typedef struct sss_hello_s  sss_hello_t;


/*
 * Creates a parser, which allocates a buffer only if a ClientHello comes in
 * pieces.  Returns NULL without memory.
 */
sss_hello_t *sss_hello_create(void);
void sss_hello_destroy(sss_hello_t *hello);

/* Prepares the parser for another ClientHello. */
void sss_hello_clear(sss_hello_t *hello);

/*
 * Feeds the next "len" bytes from the wire.  Bytes after the end of the
 * ClientHello are ignored.  After SSS_HELLO_DONE or SSS_HELLO_OTHER every
 * further call returns the same.  Returns SSS_HELLO_OTHER without memory.
 *
 * SSS_HELLO_MORE is returned only where OpenSSL would wait for more bytes as
 * well, so that the caller, who holds the bytes back, never delays an alert.
 * SSS_HELLO_DONE may come earlier: OpenSSL waits for the end of the record
 * that the ClientHello ends in.
 */
sss_hello_rc_t sss_hello_feed(sss_hello_t *hello, const uint8_t *bytes,
    size_t len);

/*
 * Returns what the ClientHello offers, or NULL unless sss_hello_feed() has
 * returned SSS_HELLO_DONE.  The result belongs to the parser, and is valid
 * until the parser is cleared or destroyed.
 */
const sss_hello_offer_t *sss_hello_offer(const sss_hello_t *hello);

/*
 * What the early data that it offers goes with; the parser's, likewise.  NULL
 * if it offers none, or with a PSK that OpenSSL would refuse, or there was no
 * memory.
 */
const sss_hello_early_t *sss_hello_early(const sss_hello_t *hello);


#endif /* SSS_HELLO_H_INCLUDED */
