
/*
 * The door of a cluster at one server: a few records in which hosts ask to be
 * let into the group, and are answered.
 *
 * Slot n of a secret is the record "door n" (sss_secret_record_name()).  A
 * host that asks puts its request into a slot that is free: empty, or with
 * something else in it than an answer or a request for the same group.  A
 * member puts its answer in place of the request.
 */


#ifndef SSS_DOOR_H_INCLUDED
#define SSS_DOOR_H_INCLUDED


#include "sss_admission.h"
#include "sss_exchange.h"


#define SSS_DOOR_SLOTS   16
#define SSS_DOOR_WRITES  32             /* in one poll                     */
#define SSS_DOOR_LIFE    60             /* seconds of a request, at least  */
#define SSS_DOOR_ANSWER_LIFE  10        /* of an answer, for which its host
                                           looks many times a second       */


typedef enum {
    SSS_DOOR_REQUEST = 0,
    SSS_DOOR_ANSWER,
    SSS_DOOR_FREE               /* this host's own slot, when it is done   */
} sss_door_kind_t;


typedef struct {
    sss_door_kind_t   kind;
    const char       *name;
    uint64_t          cas;
    uint8_t          *bytes;
    size_t            len;
} sss_door_write_t;


/* What was found there in this poll, and what is to be written. */

typedef struct {
    sss_door_write_t  writes[SSS_DOOR_WRITES];
    size_t            n;
    size_t            next;             /* of them                         */
    const char       *free_name;        /* a free slot, chosen at random   */
    uint64_t          free_cas;
    unsigned          free_seen;        /* free slots so far               */
    unsigned          mine:1;           /* a request of this host stands   */
} sss_door_t;


/* The memcached key of slot "i" under a secret.  Returns 0, or -1. */
int sss_door_name(const uint8_t *secret, unsigned i, const char *ns,
    size_t ns_len, char *name);

/* Forgets what was found. */
void sss_door_clear(sss_door_t *door);

/*
 * Reads a slot of the secret of "key"; of this host's own secret if "own".
 * Answers a request, or opens the answer to this host.  Returns 1 if that took
 * some time.
 */
int sss_door_read(sss_door_t *door, sss_admission_t *a,
    const sss_join_key_t *key, int own, const sss_item_t *item,
    uint64_t now_ms);

/* All slots were read: this host's request is to stand here. */
void sss_door_ask(sss_door_t *door, sss_admission_t *a);

/* Wants the next write.  Returns 1, or 0 if there is none. */
int sss_door_write(sss_door_t *door, const sss_admission_t *a,
    sss_exchange_t *x);

/* When that is done. */
void sss_door_written(sss_door_t *door, sss_admission_t *a,
    const sss_exchange_t *x, uint64_t now_ms);


#endif /* SSS_DOOR_H_INCLUDED */
