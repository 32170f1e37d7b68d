
/*
 * What a memcached server answers to "get" and "delete", in the text
 * protocol.  Nothing else is an answer.
 */


#ifndef SSS_REPLY_H_INCLUDED
#define SSS_REPLY_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_REPLY_LINE   512            /* longest line                    */
#define SSS_REPLY_VALUE  (1024 * 1024)  /* longest value, memcached's own
                                           limit unless it is told another */
#define SSS_REPLY_MAX    (SSS_REPLY_LINE + SSS_REPLY_VALUE + 2)


typedef enum {
    SSS_REPLY_MORE = 0,         /* the bytes are the beginning of a reply  */
    SSS_REPLY_VALUE_OF,         /* an item                                 */
    SSS_REPLY_END,              /* of the items                            */
    SSS_REPLY_DELETED,
    SSS_REPLY_NOT_FOUND,
    SSS_REPLY_BAD               /* not one of these                        */
} sss_reply_rc_t;


/* Points into the bytes that were parsed. */

typedef struct {
    size_t          size;       /* of the reply: the next one follows; with
                                   SSS_REPLY_MORE the bytes it will take at
                                   the least                               */
    const uint8_t  *name;       /* with SSS_REPLY_VALUE_OF                 */
    size_t          name_len;
    const uint8_t  *value;
    size_t          len;
} sss_reply_t;


/*
 * Parses the first reply in "n" bytes.  SSS_REPLY_MORE is never the answer to
 * SSS_REPLY_MAX bytes.
 */
sss_reply_rc_t sss_reply_parse(const uint8_t *p, size_t n,
    sss_reply_t *reply);


#endif /* SSS_REPLY_H_INCLUDED */
