
/*
 * Claims: which of all hosts was the first to receive a flight of early data.
 *
 * memcached stores logs, items to which records are appended.  A flight
 * belongs to one log, whichever host receives it: the log is chosen by the
 * slot of 32 seconds in which the client says that it has sent the flight, and
 * by 8 bits of the flight's hash.  A host appends its record and reads the log
 * in one message.  Only the host whose record of the flight is the first one
 * in the log may accept it.
 *
 * A log is one item: while it exists, every record that was appended to it is
 * still there.  It can be lost only as a whole, and be made again, empty.
 * Therefore a log is trusted only if it is older than the time in which one
 * flight could be accepted on two hosts (SSS_CLAIM_LIFE).  Its age follows
 * from the lifetime that it was made with, SSS_CLAIM_TTL, and the time that it
 * has left, which memcached returns with it.  So logs are made two slots
 * before they are used.
 *
 * Every server has a badge: an item with a random number, made by the first
 * host that finds none.  A ticket contains the badge of one server, and its
 * flights are claimed on that server only.  In the message of a claim the
 * badge is read before the record is appended and again after the log was
 * read, and must be the right one both times.  So all claims of a flight go to
 * the same process of memcached, even if hosts have other addresses for it,
 * and a server that was restarted is another one.
 *
 * SSS_CLAIM_LIFE includes the difference between the clocks of hosts.  A host
 * compares its clock with that of the server by the badge: its value says when
 * it expires, and memcached returns the time that it has left.
 *
 *     claim key  HKDF(AES key || HMAC key of the STEK, no salt,
 *                     "ngx_ssl_session_sync early 1", 32 bytes)
 *     hash       HMAC-SHA256(claim key, SHA-256(identity of the first PSK) ||
 *                its binder)
 *     slot       (time of the session + the client's age of it) / 32 s
 *     names      "sss1:" and, as 40 hex digits, the first 20 bytes of
 *                SHA-256("ngx_ssl_session_sync early log 1" || length of the
 *                namespace (1 byte) || namespace || slot (8) || shard (2)):
 *                the shard of a log is the first byte of the hash; the badge
 *                has shard 256 of slot 0
 *     log        "SSL1", 16 zeros, and records of 20 bytes: a = bytes 1 to 8
 *                of the hash, b = 8 random bytes that say whose it is, and the
 *                upper 4 bytes of (a * 0x9e3779b97f4a7c15 + b)
 *                * 0xd6e8feb86659fd93 modulo 2^64, a checksum: a record that
 *                was corrupted must not look like one of another flight
 *     badge      "SSB1", 8 random bytes that are not all zeros, and when it
 *                expires, seconds since the epoch (8 bytes)
 *
 * Numbers are in network order.
 */


#ifndef SSS_CLAIM_H_INCLUDED
#define SSS_CLAIM_H_INCLUDED


#include <stddef.h>
#include <stdint.h>

#include "sss_secret.h"


#define SSS_CLAIM_SHARDS   256          /* logs of a slot                  */
#define SSS_CLAIM_SLOT     32           /* seconds                         */
#define SSS_CLAIM_AHEAD    2            /* slots by which logs are made before
                                           they are used                   */
#define SSS_CLAIM_TTL      128          /* lifetime of a log, seconds      */
#define SSS_CLAIM_YEAR     31536000     /* lifetime of a badge, seconds    */

/*
 * OpenSSL accepts early data if the age of the ticket differs by -1 to 10
 * seconds, rounded, from that which the client says.  So by the clock of one
 * host a flight can be accepted for 11 seconds.
 */
#define SSS_CLAIM_WINDOW   11
#define SSS_CLAIM_CLOCK    4            /* most seconds between the clocks of a
                                           host and a server               */
#define SSS_CLAIM_HASTE    2            /* most seconds from a claim until
                                           OpenSSL reads the clock         */

/*
 * The sum of the window; the differences of two clocks that are known in whole
 * seconds; the haste; the rounding of the log's age; and a margin.
 */
#define SSS_CLAIM_LIFE     (SSS_CLAIM_WINDOW + 2 * (SSS_CLAIM_CLOCK + 1)      \
                            + SSS_CLAIM_HASTE + 1 + 2)

#define SSS_CLAIM_RECORD   20
#define SSS_CLAIM_HASH     9            /* bytes of a hash that are used   */
#define SSS_CLAIM_LOG      20           /* bytes of an empty log           */
#define SSS_CLAIM_EMPTY    "SSL1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define SSS_CLAIM_BADGE    20           /* bytes                           */
#define SSS_CLAIM_NS       255


typedef enum {
    SSS_CLAIM_FIRST = 0,        /* this claim is the first of the flight   */
    SSS_CLAIM_REPLAY,           /* the flight was claimed before           */
    SSS_CLAIM_LOST,             /* there is no log                         */
    SSS_CLAIM_SERVER,           /* it is not the server of the ticket      */
    SSS_CLAIM_YOUNG,            /* the log is too young to be trusted      */
    SSS_CLAIM_TIME,             /* the clocks differ too much              */
    SSS_CLAIM_BAD               /* the log is malformed                    */
} sss_claim_rc_t;


/* The request of a claim. */

typedef struct {
    uint64_t   server;                  /* the badge of the server         */
    char       log[SSS_NAME_SIZE];      /* memcached key of the log        */
    char       badge[SSS_NAME_SIZE];    /* memcached key of the badge      */
    uint8_t    record[SSS_CLAIM_RECORD];
} sss_claim_t;


/* A badge, and what follows from it. */

typedef struct {
    uint64_t   id;                      /* 0: there is none                */
    uint64_t   clock;                   /* the server's clock, seconds since
                                           the epoch                       */
} sss_claim_badge_t;


/* The answer, in the order of its parts, without the bytes of the log. */

typedef struct {
    sss_claim_badge_t  before;
    unsigned           stored:1;        /* the record was appended         */
    unsigned           logged:1;        /* there is a log                  */
    uint64_t           log_left;        /* seconds until it expires        */
    sss_claim_badge_t  after;
} sss_claim_reply_t;


/* The slot of a flight that was sent at "sent", in seconds since the epoch. */
uint64_t sss_claim_slot(uint64_t sent);

/*
 * Writes the memcached key of a log, or of the badge (slot 0, shard
 * SSS_CLAIM_SHARDS), into "name", SSS_NAME_SIZE bytes.  The namespace has at
 * most SSS_CLAIM_NS bytes.
 */
void sss_claim_name(const char *ns, size_t ns_len, uint64_t slot,
    unsigned shard, char *name);

/*
 * Prepares a claim for the flight with this hash (SSS_CLAIM_HASH bytes), on
 * the server with this badge.  "nonce" are 8 random bytes by which the host
 * will know its own record.
 */
void sss_claim_init(sss_claim_t *claim, const char *ns, size_t ns_len,
    uint64_t slot, const uint8_t *hash, const uint8_t *nonce,
    uint64_t server);

/*
 * Prepares a claim that only reads the badge: its log is one that is never
 * made.
 */
void sss_claim_look(sss_claim_t *claim, const char *ns, size_t ns_len);

/* Writes the value of a badge, SSS_CLAIM_BADGE bytes; "id" must not be 0. */
void sss_claim_badge(uint64_t id, uint64_t expires, uint8_t *badge);

/*
 * When a badge expires that is made now, both seconds since the epoch: a year
 * later, or at the last time that memcached knows.
 */
uint64_t sss_claim_badge_expires(uint64_t now);

/*
 * Reads the value of a badge that has "left" seconds left.  "badge->id" is 0
 * if it is malformed.
 */
void sss_claim_badge_read(const uint8_t *value, size_t len, uint64_t left,
    sss_claim_badge_t *badge);

/*
 * Returns what the answer to a claim means at "now", seconds since the epoch
 * by the clock that OpenSSL uses.  "log" is NULL if it was too long to be
 * kept.
 */
sss_claim_rc_t sss_claim_judge(const sss_claim_t *claim,
    const sss_claim_reply_t *reply, const uint8_t *log, size_t len,
    uint64_t now);

/* A static description of the result of a claim, for the error log. */
const char *sss_claim_strerror(sss_claim_rc_t rc);


#endif /* SSS_CLAIM_H_INCLUDED */
