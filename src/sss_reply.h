
/*
 * A parser for memcached's replies in the text protocol (memcached's
 * doc/protocol.txt), for those requests that this client makes.  Everything
 * else is SSS_REPLY_BAD.
 */


#ifndef SSS_REPLY_H_INCLUDED
#define SSS_REPLY_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_REPLY_LINE   4096           /* most bytes of a line            */
#define SSS_REPLY_VALUE  (1024 * 1024)  /* most bytes of a value, the default
                                           of memcached's option -I        */
#define SSS_REPLY_MAX    (SSS_REPLY_LINE + SSS_REPLY_VALUE + 2)

/* replies of a server with a password to a client with none or a wrong one */
#define SSS_REPLY_UNAUTHENTICATED  "CLIENT_ERROR unauthenticated"
#define SSS_REPLY_REFUSED          "CLIENT_ERROR authentication failure"


typedef enum {
    SSS_REPLY_MORE = 0,         /* the reply is incomplete so far          */
    SSS_REPLY_VALUE_OF,         /* VALUE: an item                          */
    SSS_REPLY_LARGE,            /* the line of an item with a value of more
                                   than SSS_REPLY_VALUE bytes; the "len"
                                   bytes of the value and a line end follow
                                   and are for the caller to skip          */
    SSS_REPLY_META,             /* an item of a "mg" command, with the seconds
                                   that it has left                        */
    SSS_REPLY_NO_META,          /* the answer to "mg" if there is no item  */
    SSS_REPLY_END,              /* END: no more items or statistics        */
    SSS_REPLY_STAT,             /* STAT: one line of statistics            */
    SSS_REPLY_DELETED,
    SSS_REPLY_NOT_FOUND,
    SSS_REPLY_STORED,
    SSS_REPLY_NOT_STORED,
    SSS_REPLY_EXISTS,
    SSS_REPLY_ERROR,            /* an error message that is known here     */
    SSS_REPLY_BAD               /* none of these                           */
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
 * Reads a decimal number at "*p", which ends at a blank or at "end".  "*p" is
 * moved behind it.  Returns 0, or -1 if there is no number or it exceeds
 * "limit".
 */
int sss_reply_number(const uint8_t **p, const uint8_t *end, uint64_t limit,
    uint64_t *number);


#endif /* SSS_REPLY_H_INCLUDED */
