
/*
 * The password by which memcached with the option -Y knows its clients.  It is
 * told in the first command of a connection, a "set" whose value is the user
 * and the password; memcached answers STORED and stores nothing.
 */


#ifndef SSS_AUTH_H_INCLUDED
#define SSS_AUTH_H_INCLUDED


#include <stddef.h>


#define SSS_AUTH_MAX      254           /* bytes of user:password, which is
                                           memcached's own limit           */
#define SSS_AUTH_COMMAND  300


typedef struct {
    size_t  len;
    char    command[SSS_AUTH_COMMAND];  /* not zero-terminated             */
} sss_auth_t;


/*
 * Reads user:password from the first of the lines in the "len" bytes of a
 * file, as memcached's own file has it, and makes the command.  "auth" is the
 * caller's and belongs into memory of sss_memory_alloc().  Returns NULL, or a
 * static sentence that says what is wrong and what is expected, and contains
 * nothing of the file: "auth" is wiped then.
 */
const char *sss_auth_parse(const char *text, size_t len, sss_auth_t *auth);


#endif /* SSS_AUTH_H_INCLUDED */
