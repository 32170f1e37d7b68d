
/*
 * Which group a host belongs to: what it makes of the labels that it sees in a
 * poll, whether it stays, founds a group or asks to be let into another one,
 * and how long it waits for that.
 *
 * Of two groups that meet one wins (sss_label_beats()), and the hosts of the
 * other join it.  A group whose members do not answer is dead: its records may
 * be overwritten.  A higher generation voids everything of lower ones.
 *
 * It does no I/O: requests and answers go through the door (sss_door.h).
 */


#ifndef SSS_ADMISSION_H_INCLUDED
#define SSS_ADMISSION_H_INCLUDED


#include "sss_join.h"


#define SSS_ADMISSION_DEAD  8           /* groups that are remembered      */
#define SSS_ADMISSION_WAIT  1000        /* ms, beside two poll intervals   */
#define SSS_ADMISSION_POLL  3600000     /* longest poll interval that is
                                           believed, ms                    */


typedef struct {
    uint64_t  founded;
    uint64_t  made;             /* joins that led into a group             */
    uint64_t  answered;         /* requests of others                      */
    uint64_t  refused;          /* answers that did not open               */
    uint64_t  given_up;         /* joins that nobody answered              */
} sss_admission_counts_t;


/* Belongs into memory of sss_memory_alloc(). */

typedef struct {
    int                     forward_secrecy;
    uint32_t                poll_ms;    /* of this host                    */
    uint64_t                rotation_ms;        /* likewise                */
    const sss_join_key_t   *key;        /* of its first secret             */

    sss_group_t             group;      /* as it is in this poll           */
    sss_join_t              join;       /* len 0: it does not wait         */
    uint64_t                asked_ms;   /* since when a request stands at a
                                           door; 0: at none, or there was no
                                           room to put it back             */
    uint64_t                left_ms;    /* since when this host waits      */
    uint8_t                 ended[SSS_JOIN_HASH];   /* the last request that
                                           was answered                    */

    sss_label_t             best;       /* of the groups seen that are not
                                           this host's                     */
    unsigned                seen:1;     /* there was one                   */
    unsigned                joined:1;   /* in this poll                    */
    unsigned                founder:1;  /* of the group, not long ago      */
    unsigned                standing:1; /* in this poll its request stood at
                                           a door                          */
    unsigned                full:1;     /* or there was no room for it     */
    unsigned                busy:1;     /* there may be more to do at a door
                                           before long                     */
    unsigned                crowded;    /* polls in a row in which it waited
                                           and its request did not stand   */
    uint64_t                helped_ms;  /* when it last answered a request */

    struct {
        sss_label_t         label;
        uint64_t            until_ms;
    }                       dead[SSS_ADMISSION_DEAD];
    unsigned                next;       /* of those                        */

    sss_admission_counts_t  counts;
} sss_admission_t;


/* A poll begins, with the group of this host. */
void sss_admission_begin(sss_admission_t *a, const sss_group_t *group);

/*
 * A record has this label.  Returns 1 if it is of a higher generation: this
 * host is in that one now, a member of no group, and no key that it has may
 * be used any more.
 */
int sss_admission_see(sss_admission_t *a, const sss_label_t *label,
    uint64_t now_ms);

/* Every record was seen: stays, founds, joins or goes on waiting. */
void sss_admission_decide(sss_admission_t *a, uint64_t now_ms);

/* 1 if it has waited for long: the next decision is that the group is dead. */
int sss_admission_late(sss_admission_t *a, uint64_t now_ms);

/* A request of this host stands at a door. */
void sss_admission_asked(sss_admission_t *a, uint64_t now_ms);

/* No door has room for it, or somebody was faster to take that. */
void sss_admission_full(sss_admission_t *a);

/*
 * 1 if its request stood at a door before, and at none in this poll: perhaps
 * others know of a group that wins over the one it waits for.
 */
int sss_admission_gone(const sss_admission_t *a);

/* It has answered a request, as the first one or not. */
void sss_admission_helped(sss_admission_t *a, int first, uint64_t now_ms);

/* It has left something at a door that is to go. */
void sss_admission_busy(sss_admission_t *a);

/* An answer to it, as sss_join_kind() has seen: sets "joined" if it opens. */
void sss_admission_answered(sss_admission_t *a, const uint8_t *answer,
    size_t len, uint64_t now_ms);

/* 1 if this host may write over a record with this label, NULL: none. */
int sss_admission_may_write(const sss_admission_t *a,
    const sss_label_t *label, uint64_t now_ms);

/* 1 if the host waits to be let in. */
int sss_admission_waits(const sss_admission_t *a);

/* How long it does so at the most, ms. */
uint64_t sss_admission_patience(const sss_admission_t *a,
    const sss_label_t *label);

/*
 * At the end of a poll: how soon another one is wanted, ms, and 0 for no
 * sooner than usual.  It is wanted while this host waits, when it was "lost"
 * to another group while it wrote, when its group is young and others may have
 * been founded with it, and when "busy": that one has to look at the door
 * alone.  A host that finds no room at the door comes again later each time,
 * up to two seconds, or its poll interval if that is less.
 */
uint32_t sss_admission_again(sss_admission_t *a, int lost, uint64_t now_ms);


#endif /* SSS_ADMISSION_H_INCLUDED */
