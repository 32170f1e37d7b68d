
/*
 * Addresses of memcached servers as an operator writes them:
 * host:port, [v6]:port or unix:/path.
 */


#ifndef SSS_ADDRESS_H_INCLUDED
#define SSS_ADDRESS_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_ADDRESS_HOST  256
#define SSS_ADDRESS_TEXT  (SSS_ADDRESS_HOST + 16)
#define SSS_SERVERS_MAX   16            /* of a cluster at a time          */


typedef struct {
    char      host[SSS_ADDRESS_HOST];   /* name, address without brackets,
                                           or path; zero-terminated */
    uint16_t  port;                     /* 0: a Unix-domain socket  */
} sss_address_t;


/* A server of a cluster, in one of SSS_SERVERS_MAX places. */

typedef struct {
    uint32_t       id;          /* of the server that has this place, 0: none;
                                   no other ever has the same              */
    uint32_t       line;        /* of the configuration, from 0 on         */
    uint32_t       weight;
    unsigned       named:1;     /* the line is a name                      */
    const char    *error;       /* why there is no address, or NULL; static */
    const char    *stale;       /* why the address is that of before, though
                                   the name was asked for again, or NULL;
                                   static                                  */
    sss_address_t  address;     /* a number or a path; the name itself with
                                   an error                                */
    const char    *host;        /* of the line; lives as long as the names */
} sss_server_t;


/* An address that the name of a line had lately. */

typedef struct {
    uint32_t       line;
    sss_address_t  address;     /* a number; an empty host: none           */
} sss_known_t;


/*
 * Parses "len" bytes.  Returns NULL, or a sentence that says what is wrong
 * and what is expected; it is static.  No name is resolved.
 */
const char *sss_address_parse(const char *text, size_t len,
    sss_address_t *address);

/* Writes it as an operator does, cut off where "size" bytes end. */
void sss_address_print(const sss_address_t *address, char *text,
    size_t size);


#endif /* SSS_ADDRESS_H_INCLUDED */
