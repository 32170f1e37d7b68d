
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "sss_address.h"


#define SSS_UNIX       "unix:"
#define SSS_UNIX_LEN   (sizeof(SSS_UNIX) - 1)
#define SSS_LABEL_MAX  63
#define SSS_NAME_MAX   253


static const char *sss_address_path(const char *path, size_t len,
    sss_address_t *address);
static const char *sss_address_v6(const char *text, size_t len,
    sss_address_t *address);
static const char *sss_address_host(const char *text, size_t len,
    sss_address_t *address);
static int sss_address_name(const char *name, size_t len);
static const char *sss_address_port(const char *text, size_t len,
    sss_address_t *address);
static int sss_digit(char c);


const char *
sss_address_parse(const char *text, size_t len, sss_address_t *address)
{
    const char  *error;

    memset(address, 0, sizeof(sss_address_t));

    if (len == 0) {
        return "no address; expected host:port, [v6]:port or unix:/path";
    }

    if (len >= SSS_UNIX_LEN && memcmp(text, SSS_UNIX, SSS_UNIX_LEN) == 0) {
        error = sss_address_path(text + SSS_UNIX_LEN, len - SSS_UNIX_LEN,
                                 address);

    } else if (text[0] == '[') {
        error = sss_address_v6(text, len, address);

    } else {
        error = sss_address_host(text, len, address);
    }

    if (error != NULL) {
        memset(address, 0, sizeof(sss_address_t));
    }

    return error;
}


void
sss_address_print(const sss_address_t *address, char *text, size_t size)
{
    const char  *form;

    form = address->port == 0 ? "unix:%s"
           : strchr(address->host, ':') ? "[%s]:%u" : "%s:%u";

    snprintf(text, size, form, address->host, (unsigned) address->port);
}


static const char *
sss_address_path(const char *path, size_t len, sss_address_t *address)
{
    size_t  i;

    if (len < 2 || path[0] != '/') {
        return "no absolute path after \"unix:\"; expected unix:/path";
    }

    if (len >= sizeof(((struct sockaddr_un *) 0)->sun_path)) {
        return "the path is too long for a Unix-domain socket";
    }

    for (i = 0; i < len; i++) {
        if ((unsigned char) path[i] < ' ' || path[i] == 0x7f) {
            return "a control character in the path of a Unix-domain socket";
        }
    }

    memcpy(address->host, path, len);

    return NULL;
}


static const char *
sss_address_v6(const char *text, size_t len, sss_address_t *address)
{
    size_t           n;
    const char      *end;
    struct in6_addr  in6;

    end = memchr(text, ']', len);

    if (end == NULL) {
        return "\"]\" is missing; expected [v6]:port";
    }

    n = (size_t) (end - text) - 1;

    if (n >= INET6_ADDRSTRLEN) {
        return "not an IPv6 address between the brackets";
    }

    memcpy(address->host, text + 1, n);

    /* inet_pton() would not see what comes after a zero byte */

    if (memchr(address->host, '\0', n) != NULL
        || inet_pton(AF_INET6, address->host, &in6) != 1)
    {
        return "not an IPv6 address between the brackets";
    }

    return sss_address_port(end + 1, len - n - 2, address);
}


static const char *
sss_address_host(const char *text, size_t len, sss_address_t *address)
{
    size_t           n;
    const char      *colon;
    struct in_addr   in;

    colon = memchr(text, ':', len);

    n = (colon == NULL) ? len : (size_t) (colon - text);

    if (colon != NULL && memchr(colon + 1, ':', len - n - 1) != NULL) {
        return "more than one colon; an IPv6 address is written in"
               " brackets, [v6]:port";
    }

    if (sss_address_name(text, n) != 0) {
        return "neither a host name nor an IPv4 address before the port;"
               " expected host:port, [v6]:port or unix:/path";
    }

    memcpy(address->host, text, n);

    /* only digits and dots: this is meant as an IPv4 address */

    if (strspn(address->host, "0123456789.") == n
        && inet_pton(AF_INET, address->host, &in) != 1)
    {
        return "not an IPv4 address; expected four numbers up to 255";
    }

    return sss_address_port(text + n, len - n, address);
}


/*
 * Returns 0 if a host name consists of labels of letters, digits, "-" and "_"
 * with dots between them, else -1.
 */

static int
sss_address_name(const char *name, size_t len)
{
    char    c;
    size_t  i, label;

    if (len == 0 || len > SSS_NAME_MAX) {
        return -1;
    }

    label = 0;

    for (i = 0; i < len; i++) {
        c = name[i];

        if (c == '.') {

            if (label == 0) {
                return -1;
            }

            label = 0;
            continue;
        }

        if (!sss_digit(c)
            && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
            && c != '_'
            && (c != '-' || label == 0))
        {
            return -1;
        }

        if (++label > SSS_LABEL_MAX) {
            return -1;
        }
    }

    return 0;
}


static const char *
sss_address_port(const char *text, size_t len, sss_address_t *address)
{
    size_t    i;
    uint32_t  port;

    if (len < 2 || text[0] != ':') {
        return "no port; expected host:port or [v6]:port, memcached's usual"
               " port is 11211";
    }

    port = 0;

    for (i = 1; i < len; i++) {

        if (!sss_digit(text[i]) || i > 5) {
            return "the port is not a number from 1 to 65535";
        }

        port = port * 10 + (uint32_t) (text[i] - '0');
    }

    if (port == 0 || port > 65535) {
        return "the port is not a number from 1 to 65535";
    }

    address->port = (uint16_t) port;

    return NULL;
}


static int
sss_digit(char c)
{
    return c >= '0' && c <= '9';
}
