
/*
 * The server name of a ClientHello (SNI), and the binding of session IDs to a
 * scope and a server name.
 */


#ifndef SSS_SNI_H_INCLUDED
#define SSS_SNI_H_INCLUDED


#include <stddef.h>
#include <stdint.h>


#define SSS_SNI_MAX       255
#define SSS_SCOPE_SIZE    32            /* bytes of a trust scope, a SHA-256 */
#define SSS_BINDING_MAX   (SSS_SCOPE_SIZE + 1 + SSS_SNI_MAX)


typedef struct {
    uint8_t   len;              /* 0: no server name was sent */
    uint8_t   name[SSS_SNI_MAX];
} sss_sni_t;


/*
 * Reads the body of a server_name extension (RFC 6066, section 3), which
 * SSL_client_hello_get0_ext() returns.  It must have one host_name and nothing
 * else.  The name becomes lower case.  Returns 0, or -1 if the extension is
 * malformed or sss_sni_set() refuses the name; "sni" is empty then.
 */
int sss_sni_parse(const uint8_t *ext, size_t len, sss_sni_t *sni);

/*
 * Sets a name, in lower case.  It is refused unless it has 1 to SSS_SNI_MAX
 * bytes, all of them letters, digits, "-", "_" and ".", and no empty label, so
 * that no dot is at its beginning or end.  For any other name two parsers,
 * that of nginx for example, might not agree which server it means.  Returns
 * 0, or -1; "sni" is empty then.
 */
int sss_sni_set(sss_sni_t *sni, const char *name, size_t len);

/*
 * Writes the binding of an ID into "out", which has room for SSS_BINDING_MAX:
 * SSS_SCOPE_SIZE bytes of scope, 1 byte with the length of the server name,
 * and the name.  Returns the number of bytes.
 */
size_t sss_binding(const uint8_t *scope, const sss_sni_t *sni, uint8_t *out);


#endif /* SSS_SNI_H_INCLUDED */
