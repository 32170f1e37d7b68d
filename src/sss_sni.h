
/*
 * The server name of a ClientHello, and what a session's ID is bound to.
 */


#ifndef SSS_SNI_H_INCLUDED
#define SSS_SNI_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_SNI_MAX       255
#define SSS_SCOPE_SIZE    32
#define SSS_BINDING_MAX   (SSS_SCOPE_SIZE + 1 + SSS_SNI_MAX)


typedef struct {
    uint8_t   len;              /* 0: no server name was sent */
    uint8_t   name[SSS_SNI_MAX];
} sss_sni_t;


/*
 * Reads the body of a server_name extension (RFC 6066, 3), as
 * SSL_client_hello_get0_ext() returns it: one host_name and nothing else.
 * The name is lower-cased.  Returns 0, or -1 if the extension is malformed or
 * the name is none that sss_sni_set() takes.
 */
int sss_sni_parse(const uint8_t *ext, size_t len, sss_sni_t *sni);

/*
 * Takes a name: letters, digits, "-", "_" and "." only, neither empty nor
 * beginning or ending with a dot nor with an empty label, up to SSS_SNI_MAX
 * bytes; everything on which two parsers could differ is refused.  Returns 0,
 * or -1; "sni" is then without a name.
 */
int sss_sni_set(sss_sni_t *sni, const char *name, size_t len);

/*
 * Writes what an ID is bound to: the scope, the length of the name, the name.
 * "out" has room for SSS_BINDING_MAX.  Returns the number of bytes.
 */
size_t sss_binding(const uint8_t *scope, const sss_sni_t *sni, uint8_t *out);


#endif /* SSS_SNI_H_INCLUDED */
