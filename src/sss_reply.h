
/*
 * What a memcached server answers in the text protocol, as far as it is asked
 * anything here.  Nothing else is an answer.
 */


#ifndef SSS_REPLY_H_INCLUDED
#define SSS_REPLY_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_REPLY_LINE   4096           /* longest line                    */
#define SSS_REPLY_VALUE  (1024 * 1024)  /* longest value, memcached's own
                                           limit unless it is told another */
#define SSS_REPLY_MAX    (SSS_REPLY_LINE + SSS_REPLY_VALUE + 2)

/* a server with a password was told none, or another one */
#define SSS_REPLY_UNAUTHENTICATED  "CLIENT_ERROR unauthenticated"
#define SSS_REPLY_REFUSED          "CLIENT_ERROR authentication failure"


typedef enum {
    SSS_REPLY_MORE = 0,         /* the bytes are the beginning of a reply  */
    SSS_REPLY_VALUE_OF,         /* an item                                 */
    SSS_REPLY_LARGE,            /* the line before a value of more than
                                   SSS_REPLY_VALUE bytes: "len" of them,
                                   and a line end, come next               */
    SSS_REPLY_META,             /* an item, and how long it will be there  */
    SSS_REPLY_NO_META,          /* there is none                           */
    SSS_REPLY_END,              /* of the items, or of statistics          */
    SSS_REPLY_STAT,             /* one line of statistics                  */
    SSS_REPLY_DELETED,
    SSS_REPLY_NOT_FOUND,
    SSS_REPLY_STORED,
    SSS_REPLY_NOT_STORED,
    SSS_REPLY_EXISTS,
    SSS_REPLY_ERROR,            /* a refusal that is known                 */
    SSS_REPLY_BAD               /* not one of these                        */
} sss_reply_rc_t;


/* Points into the bytes that were parsed, but for "error". */

typedef struct {
    size_t          size;       /* of the reply: the next one follows; with
                                   SSS_REPLY_MORE the bytes it will take at
                                   the least                               */
    const uint8_t  *name;       /* of an item; of a statistic the whole
                                   line after "STAT "                      */
    size_t          name_len;
    const uint8_t  *value;      /* with SSS_REPLY_VALUE_OF and _META       */
    size_t          len;
    uint64_t        cas;        /* version of the item                     */
    int             versioned;  /* 1: there was one                        */
    uint64_t        left;       /* seconds until the item expires; with
                                   SSS_REPLY_META                          */
    const char     *error;      /* the line; static, zero-terminated       */
} sss_reply_t;


/*
 * Parses the first reply in "n" bytes.  SSS_REPLY_MORE is never the answer to
 * SSS_REPLY_MAX bytes.
 */
sss_reply_rc_t sss_reply_parse(const uint8_t *p, size_t n,
    sss_reply_t *reply);

/*
 * Reads a number from "*p" on, up to a blank or "end", where "*p" is left.
 * Returns 0, or -1 if there is none or it exceeds "limit".
 */
int sss_reply_number(const uint8_t **p, const uint8_t *end, uint64_t limit,
    uint64_t *number);


#endif /* SSS_REPLY_H_INCLUDED */
