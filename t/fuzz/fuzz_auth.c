
/* The input is the file that auth_file names. */

#include "fuzz.h"

#include "sss_auth.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t       i, n, lines;
    sss_auth_t   auth;
    const char  *error;

    memset(&auth, 0xa5, sizeof(auth));

    error = sss_auth_parse((const char *) data, size, &auth);

    if (error != NULL) {
        fuzz_check(strlen(error) > 10);
        fuzz_check(fuzz_zero(&auth, sizeof(auth)));

        return 0;
    }

    fuzz_check(auth.len > 24 && auth.len < sizeof(auth.command));

    /* whatever is in the file, the result is one command */

    lines = 0;

    for (i = 0; i < auth.len; i++) {
        lines += (auth.command[i] == '\n');
        fuzz_check((unsigned char) auth.command[i] >= ' '
                   || auth.command[i] == '\r' || auth.command[i] == '\n');
    }

    fuzz_check(lines == 2);

    n = strtoul(auth.command + 19, NULL, 10);

    fuzz_check(n >= 3 && n <= SSS_AUTH_MAX && n <= size);

    for (i = 0; data[i] != ':'; i++) {
        fuzz_check(data[i] > ' ');
    }

    fuzz_check(i > 0 && i < n - 1);
    fuzz_check(memcmp(auth.command + auth.len - 1 - n + i, data + i + 1,
                      n - i - 1)
               == 0);

    return 0;
}
