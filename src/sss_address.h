
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


/*
 * A memcached server of a cluster.  Servers are kept in an array of
 * SSS_SERVERS_MAX elements, their places, some of which are empty.  A server
 * keeps its place as long as it is one of the cluster; another server may get
 * the place later, but never the id.
 */

typedef struct {
    uint32_t       id;          /* 0: the place is empty                   */
    uint32_t       line;        /* index of its "memcached" directive      */
    uint32_t       weight;      /* its share of the sessions               */
    unsigned       named:1;     /* the directive has a host name           */
    const char    *error;       /* why the name has no address, or NULL;
                                   static                                  */
    const char    *stale;       /* why the last look-up of the name failed,
                                   while an earlier address stays in use,
                                   or NULL; static                         */
    sss_address_t  address;     /* numeric address or path; with an error
                                   the name itself                         */
    const char    *host;        /* as the directive has it; points into the
                                   owner of this array                     */
} sss_server_t;


/*
 * An address that a host name had when it was last resolved.  New workers get
 * it from the workers before them, and need not wait for the resolver.
 */

typedef struct {
    uint32_t       line;        /* index of the "memcached" directive      */
    sss_address_t  address;     /* numeric; an empty host: no address      */
} sss_known_t;


/*
 * Parses the "len" bytes of an address, which need not be zero-terminated.
 * Names are checked, but not resolved.  Returns NULL on success, or else a
 * static sentence for the operator, which says what is wrong and what is
 * expected; "address" is undefined then.
 */
const char *sss_address_parse(const char *text, size_t len,
    sss_address_t *address);

/*
 * Writes the address as sss_address_parse() reads it, zero-terminated; what
 * does not fit into "size" bytes is cut off.
 */
void sss_address_print(const sss_address_t *address, char *text,
    size_t size);


#endif /* SSS_ADDRESS_H_INCLUDED */
