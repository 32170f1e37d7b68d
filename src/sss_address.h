
/*
 * Addresses of memcached servers as an operator writes them:
 * host:port, [v6]:port or unix:/path.
 */


#ifndef SSS_ADDRESS_H_INCLUDED
#define SSS_ADDRESS_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_ADDRESS_HOST  256
#define SSS_SERVERS_MAX   16            /* of a cluster                    */


typedef struct {
    char      host[SSS_ADDRESS_HOST];   /* name, address without brackets,
                                           or path; zero-terminated */
    uint16_t  port;                     /* 0: a Unix-domain socket  */
} sss_address_t;


/*
 * Parses "len" bytes.  Returns NULL, or a sentence that says what is wrong
 * and what is expected; it is static.  No name is resolved.
 */
const char *sss_address_parse(const char *text, size_t len,
    sss_address_t *address);


#endif /* SSS_ADDRESS_H_INCLUDED */
