
/*
 * A ClientHello as it comes off the wire, at most far enough to see which
 * session it offers.
 *
 * The parser takes any split of bytes and records.  It judges nothing: what
 * it does not understand it calls SSS_HELLO_OTHER, and OpenSSL, which gets
 * the same bytes, decides what is wrong with it.
 */


#ifndef SSS_HELLO_H_INCLUDED
#define SSS_HELLO_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_sni.h"


#define SSS_HELLO_MAX       131396      /* OpenSSL's limit of the message */
#define SSS_HELLO_ID_MAX    32
#define SSS_HELLO_BINDER_MIN  32        /* RFC 8446, 4.2.11                */
#define SSS_HELLO_BINDER_MAX  64


typedef enum {
    SSS_HELLO_MORE = 0,         /* so far, so good                         */
    SSS_HELLO_DONE,             /* the whole ClientHello is there          */
    SSS_HELLO_OTHER             /* no ClientHello, or none to understand   */
} sss_hello_rc_t;


/* What the ClientHello offers; valid after SSS_HELLO_DONE. */

typedef struct {
    unsigned      tls13:1;      /* supported_versions has TLS 1.3          */
    unsigned      ticket:1;     /* a session ticket that is not empty      */
    unsigned      psk:1;        /* pre_shared_key with an identity         */
    unsigned      early:1;      /* early data                              */
    unsigned      sni_bad:1;    /* a server name that sss_sni_parse()
                                   refuses                                 */
    uint8_t       id_len;       /* legacy_session_id, 0 to 32              */
    uint8_t       id[SSS_HELLO_ID_MAX];
    uint8_t       psk_len;      /* 32: first PSK identity as long as an ID,
                                   the only ones that OpenSSL takes for
                                   one; 0 if there is none                 */
    uint8_t       psk_id[SSS_HELLO_ID_MAX];
    sss_sni_t     sni;          /* without a name if none was sent         */
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


/* Returns NULL without memory.  Allocates what it needs as it grows. */
sss_hello_t *sss_hello_create(void);
void sss_hello_destroy(sss_hello_t *hello);

/* Forgets what it was fed: it is as new. */
void sss_hello_clear(sss_hello_t *hello);

/*
 * Takes the next "len" bytes from the wire, in order; bytes after the end of
 * the ClientHello are ignored.  After SSS_HELLO_DONE or SSS_HELLO_OTHER it
 * returns the same for ever.  Without memory it returns SSS_HELLO_OTHER.
 *
 * SSS_HELLO_MORE is returned only where OpenSSL, too, waits for more: an
 * alert it would send at these bytes is never put off.  SSS_HELLO_DONE may
 * come before the end of the last record, which OpenSSL waits for.
 */
sss_hello_rc_t sss_hello_feed(sss_hello_t *hello, const uint8_t *bytes,
    size_t len);

/*
 * The offer; the parser's, until it is cleared or destroyed.  NULL before
 * SSS_HELLO_DONE, and after SSS_HELLO_OTHER.
 */
const sss_hello_offer_t *sss_hello_offer(const sss_hello_t *hello);

/*
 * What the early data that it offers goes with; the parser's, likewise.  NULL
 * if it offers none, or with a PSK that OpenSSL would refuse, or there was no
 * memory.
 */
const sss_hello_early_t *sss_hello_early(const sss_hello_t *hello);


#endif /* SSS_HELLO_H_INCLUDED */
