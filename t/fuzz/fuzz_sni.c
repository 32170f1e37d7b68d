
/* The input is the body of a server_name extension, and a name as well. */

#include "fuzz.h"

#include "sss_sni.h"


static void check_name(const sss_sni_t *sni, const uint8_t *name, size_t len);
static void check_binding(const sss_sni_t *sni);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sss_sni_t  sni;

    memset(&sni, 0xa5, sizeof(sni));

    if (sss_sni_parse(data, size, &sni) == 0) {
        fuzz_check(size > 5);
        fuzz_check(data[0] <= 1);
        fuzz_check((size_t) (data[0] << 8 | data[1]) == size - 2);
        fuzz_check(data[2] == 0);
        fuzz_check((size_t) (data[3] << 8 | data[4]) == size - 5);

        check_name(&sni, data + 5, size - 5);

    } else {
        fuzz_check(sni.len == 0);
    }

    check_binding(&sni);

    memset(&sni, 0xa5, sizeof(sni));

    if (sss_sni_set(&sni, (const char *) data, size) == 0) {
        check_name(&sni, data, size);

    } else {
        fuzz_check(sni.len == 0);
    }

    check_binding(&sni);

    return 0;
}


static void
check_name(const sss_sni_t *sni, const uint8_t *name, size_t len)
{
    size_t     i;
    uint8_t    c;
    sss_sni_t  again;

    fuzz_check(sni->len == len && len > 0);
    fuzz_check(sni->name[0] != '.' && sni->name[len - 1] != '.');

    for (i = 0; i < len; i++) {
        c = sni->name[i];

        fuzz_check((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')
                   || c == '-' || c == '_' || c == '.');
        fuzz_check(c == name[i]
                   || (name[i] >= 'A' && name[i] <= 'Z'
                       && c == name[i] - 'A' + 'a'));
        fuzz_check(i == 0 || c != '.' || sni->name[i - 1] != '.');
    }

    /* a name in lower case stays as it is */

    fuzz_check(sss_sni_set(&again, (const char *) sni->name, len) == 0);
    fuzz_check(again.len == sni->len);
    fuzz_check(memcmp(again.name, sni->name, len) == 0);
}


static void
check_binding(const sss_sni_t *sni)
{
    size_t   n;
    uint8_t  scope[SSS_SCOPE_SIZE], out[SSS_BINDING_MAX];

    memset(scope, 0x5a, sizeof(scope));

    n = sss_binding(scope, sni, out);

    fuzz_check(n == SSS_SCOPE_SIZE + 1u + sni->len);
    fuzz_check(memcmp(out, scope, SSS_SCOPE_SIZE) == 0);
    fuzz_check(out[SSS_SCOPE_SIZE] == sni->len);
    fuzz_check(memcmp(out + SSS_SCOPE_SIZE + 1, sni->name, sni->len) == 0);
}
