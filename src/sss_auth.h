
/*
 * The password that memcached asks of its clients when it runs with the option
 * -Y.  In the text protocol a client sends it in the first command of a
 * connection: a "set", of any key, whose value is "user password".  memcached
 * answers STORED, and stores nothing.
 */


#ifndef SSS_AUTH_H_INCLUDED
#define SSS_AUTH_H_INCLUDED


#include <stddef.h>


#define SSS_AUTH_MAX      254           /* bytes of user:password, which is
                                           memcached's own limit           */
#define SSS_AUTH_COMMAND  300


typedef struct {
    size_t  len;
    char    command[SSS_AUTH_COMMAND];  /* the whole "set" with its value,
                                           not zero-terminated             */
} sss_auth_t;


/*
 * Reads user:password from the first line of the "len" bytes of a file, which
 * has the format of memcached's own password file, and makes the command from
 * it.  The caller owns "auth" and allocates it with sss_memory_alloc(), since
 * it holds a secret.  Returns NULL on success, or else a static sentence for
 * the operator, which repeats nothing of the file; "auth" is wiped then.
 */
const char *sss_auth_parse(const char *text, size_t len, sss_auth_t *auth);


#endif /* SSS_AUTH_H_INCLUDED */
