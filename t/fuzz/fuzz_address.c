
/* The input is the address of a memcached server. */

#include "fuzz.h"

#include "sss_address.h"


static void check_again(const sss_address_t *address, const uint8_t *data,
    size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          i, len;
    const char     *error;
    sss_address_t   address;

    memset(&address, 0xa5, sizeof(address));

    error = sss_address_parse((const char *) data, size, &address);

    if (error != NULL) {
        fuzz_check(strlen(error) > 10);
        fuzz_check(fuzz_zero(&address, sizeof(address)));

        return 0;
    }

    len = strnlen(address.host, SSS_ADDRESS_HOST);

    fuzz_check(len > 0 && len < SSS_ADDRESS_HOST);
    fuzz_check((address.port == 0) == (address.host[0] == '/'));

    for (i = 0; i < len; i++) {
        fuzz_check((unsigned char) address.host[i] >= ' ');
        fuzz_check(address.port == 0 || address.host[i] > ' ');
    }

    check_again(&address, data, size);

    return 0;
}


/* What is printed must be what was parsed, except for leading zeros. */

static void
check_again(const sss_address_t *address, const uint8_t *data, size_t size)
{
    int             n;
    char            text[SSS_ADDRESS_HOST + 20];
    const char     *form;
    sss_address_t   again;

    form = address->port == 0 ? "unix:%s"
           : strchr(address->host, ':') ? "[%s]:%u" : "%s:%u";

    n = snprintf(text, sizeof(text), form, address->host, address->port);

    fuzz_check(n > 0 && (size_t) n <= size && size <= (size_t) n + 4);
    fuzz_check(strncmp(text, (const char *) data, strcspn(text, "0123456789"))
               == 0);

    if ((size_t) n == size) {
        fuzz_check(memcmp(text, data, size) == 0);
    }

    fuzz_check(sss_address_parse(text, (size_t) n, &again) == NULL);
    fuzz_check(memcmp(&again, address, sizeof(again)) == 0);
}
