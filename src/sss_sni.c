
#include <string.h>

#include "sss_sni.h"


#define SSS_SNI_HEADER     5    /* list length, name type, name length */
#define SSS_SNI_HOST_NAME  0


static int sss_sni_char(uint8_t c);


int
sss_sni_parse(const uint8_t *ext, size_t len, sss_sni_t *sni)
{
    size_t  list, name;

    sni->len = 0;

    if (len < SSS_SNI_HEADER) {
        return -1;
    }

    list = (size_t) ext[0] << 8 | ext[1];
    name = (size_t) ext[3] << 8 | ext[4];

    if (list != len - 2
        || ext[2] != SSS_SNI_HOST_NAME
        || name != len - SSS_SNI_HEADER)
    {
        return -1;
    }

    return sss_sni_set(sni, (const char *) ext + SSS_SNI_HEADER, name);
}


int
sss_sni_set(sss_sni_t *sni, const char *name, size_t len)
{
    int      c;
    size_t   i;
    uint8_t  last;

    sni->len = 0;

    if (len == 0 || len > SSS_SNI_MAX) {
        return -1;
    }

    last = '.';

    for (i = 0; i < len; i++) {
        c = sss_sni_char((uint8_t) name[i]);

        if (c < 0 || (c == '.' && last == '.')) {
            return -1;
        }

        last = (uint8_t) c;
        sni->name[i] = last;
    }

    if (last == '.') {
        return -1;
    }

    sni->len = (uint8_t) len;

    return 0;
}


/* Returns the character in lower case, or -1 if it may not be in a name. */

static int
sss_sni_char(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') {
        return c | 0x20;
    }

    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
        || c == '-' || c == '_' || c == '.')
    {
        return c;
    }

    return -1;
}


size_t
sss_binding(const uint8_t *scope, const sss_sni_t *sni, uint8_t *out)
{
    memcpy(out, scope, SSS_SCOPE_SIZE);
    out[SSS_SCOPE_SIZE] = sni->len;
    memcpy(out + SSS_SCOPE_SIZE + 1, sni->name, sni->len);

    return SSS_SCOPE_SIZE + 1 + (size_t) sni->len;
}
