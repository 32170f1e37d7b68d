
#include <stdio.h>
#include <string.h>

#include "sss_auth.h"
#include "sss_memory.h"


/*
 * A server that asks for no password takes this for an ordinary "set" and
 * would keep the password as a value.  The negative expiration time makes it
 * drop the item at once.  A server that asks for one ignores the time.
 */

#define SSS_AUTH_LINE  "set sss1:auth 0 -1 %zu\r\n"


const char *
sss_auth_parse(const char *text, size_t len, sss_auth_t *auth)
{
    int          n;
    size_t       i;
    const char  *end, *colon;

    sss_memory_wipe(auth, sizeof(sss_auth_t));

    end = len ? memchr(text, '\n', len) : NULL;

    if (end != NULL) {
        len = (size_t) (end - text);
    }

    if (len > 0 && text[len - 1] == '\r') {
        len--;
    }

    if (len > SSS_AUTH_MAX) {
        return "the first line is longer than the 254 characters that"
               " memcached takes; shorten the password";
    }

    for (i = 0; i < len; i++) {
        if ((unsigned char) text[i] <= ' ' || text[i] == 0x7f) {
            return "a blank or a control character in the first line, which"
                   " memcached does not take; expected user:password";
        }
    }

    colon = len ? memchr(text, ':', len) : NULL;

    if (colon == NULL || colon == text || colon == text + len - 1) {
        return "no user:password on the first line; write one as memcached's"
               " own file (option -Y) has it";
    }

    n = snprintf(auth->command, sizeof(auth->command), SSS_AUTH_LINE, len);

    memcpy(auth->command + n, text, len);
    auth->command[n + (colon - text)] = ' ';

    auth->len = (size_t) n + len;

    memcpy(auth->command + auth->len, "\r\n", 2);
    auth->len += 2;

    return NULL;
}
