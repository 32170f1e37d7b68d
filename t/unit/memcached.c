
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "memcached.h"


#define MEMCACHED_PATIENCE  60000   /* milliseconds */


static socklen_t memcached_sockaddr(const sss_address_t *address,
    struct sockaddr_storage *ss);
static int memcached_bind(sss_address_t *address);
static int memcached_find_port(memcached_t *m, const char *host);
static int memcached_run(memcached_t *m);
static int memcached_answers(const memcached_t *m);
static void memcached_exec(memcached_t *m);
static int memcached_stopped(pid_t pid);
static char memcached_state(const char *path);
static void *fake_main(void *data);
static void fake_serve(fake_t *fake, int fd);
static unsigned fake_gets(const char *bytes, size_t n, int *in);
static int fake_answer(fake_t *fake, int fd, const char *bytes, size_t len);
static int fake_wait(fake_t *fake, int fd, short events);


uint64_t
unit_clock_ms(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


void
unit_pause(unsigned ms)
{
    (void) poll(NULL, 0, (int) ms);
}


int
memcached_start(memcached_t *m, const char *host, const char *option)
{
    memset(m, 0, sizeof(memcached_t));

    m->option = option;

    return memcached_find_port(m, host);
}


int
memcached_has_tls(void)
{
    int    found;
    char   line[256];
    FILE  *help;

    help = popen("memcached -h 2>/dev/null", "r");
    if (help == NULL) {
        return 0;
    }

    found = 0;

    while (fgets(line, sizeof(line), help) != NULL) {
        found |= (strstr(line, "--enable-ssl") != NULL);
    }

    (void) pclose(help);

    return found;
}


int
memcached_start_secured(memcached_t *m, const char *host,
    const char *secured)
{
    memset(m, 0, sizeof(memcached_t));

    m->option = "-Z";
    m->secured = secured;

    return memcached_find_port(m, host);
}


static int
memcached_find_port(memcached_t *m, const char *host)
{
    int  fd, on;

    snprintf(m->address.host, sizeof(m->address.host), "%s", host);

    if (host[0] == '/') {
        return memcached_run(m);
    }

    fd = memcached_bind(&m->address);
    if (fd == -1) {
        return -1;
    }

    /*
     * The descriptor stays open as long as the process lives, so that nobody
     * finds the port free while memcached does not run.  memcached sets this
     * option, too, and may share the port with a socket that does not listen.
     */

    on = 1;

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0
        || memcached_run(m) != 0)
    {
        close(fd);
        return -1;
    }

    return 0;
}


int
memcached_restart(memcached_t *m)
{
    memcached_stop(m);

    return memcached_run(m);
}


void
memcached_stop(memcached_t *m)
{
    if (m->pid > 0) {
        kill(m->pid, SIGKILL);
        (void) waitpid(m->pid, NULL, 0);
    }

    m->pid = 0;
}


void
memcached_freeze(memcached_t *m)
{
    unsigned  i;

    kill(m->pid, SIGSTOP);

    for (i = 0; !memcached_stopped(m->pid); i++) {

        if (i == MEMCACHED_PATIENCE) {
            fprintf(stderr, "memcached does not stop\n");
            abort();
        }

        unit_pause(1);
    }
}


/*
 * 1 if all threads of a process have stopped.  Before that, one of them may
 * still answer.
 */

static int
memcached_stopped(pid_t pid)
{
    int             rc;
    DIR            *dir;
    char            path[300];
    struct dirent  *entry;

    snprintf(path, sizeof(path), "/proc/%d/task", (int) pid);

    dir = opendir(path);
    if (dir == NULL) {
        return 0;
    }

    rc = 1;

    while (rc && (entry = readdir(dir)) != NULL) {

        if (entry->d_name[0] != '.') {
            snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", (int) pid,
                     entry->d_name);

            rc = (memcached_state(path) == 'T');
        }
    }

    closedir(dir);

    return rc;
}


/*
 * Returns the state, the letter after the name of the process; the name may
 * have parentheses, too.
 */

static char
memcached_state(const char *path)
{
    char     stat[256], *end;
    FILE    *f;
    size_t   n;

    f = fopen(path, "r");
    if (f == NULL) {
        return '\0';
    }

    n = fread(stat, 1, sizeof(stat) - 1, f);
    fclose(f);

    stat[n] = '\0';
    end = strrchr(stat, ')');

    return (end != NULL && end[1] == ' ') ? end[2] : '\0';
}


void
memcached_thaw(memcached_t *m)
{
    kill(m->pid, SIGCONT);
}


int
memcached_say(const sss_address_t *address, const void *bytes, size_t len,
    const char *end, char *answer, size_t size)
{
    int            fd, rc;
    size_t         n;
    ssize_t        got;
    struct pollfd  pfd;

    fd = memcached_connect(address);
    if (fd == -1) {
        return -1;
    }

    rc = -1;
    n = 0;
    pfd.fd = fd;
    pfd.events = POLLOUT;

    while (len > 0 && poll(&pfd, 1, 5000) == 1) {

        got = send(fd, bytes, len, MSG_NOSIGNAL);
        if (got <= 0) {
            goto done;
        }

        bytes = (const char *) bytes + got;
        len -= (size_t) got;
    }

    pfd.events = POLLIN;

    while (len == 0 && n < size - 1 && poll(&pfd, 1, 5000) == 1) {

        got = recv(fd, answer + n, size - 1 - n, 0);
        if (got <= 0) {
            goto done;
        }

        n += (size_t) got;
        answer[n] = '\0';

        if (strstr(answer, end)) {
            rc = 0;
            break;
        }
    }

done:

    close(fd);

    return rc;
}


int
memcached_tell(const sss_address_t *address, const char *line,
    const char *end)
{
    char  answer[4096];

    return memcached_say(address, line, strlen(line), end, answer,
                         sizeof(answer));
}


int
memcached_store(const sss_address_t *address, const char *name,
    const void *value, size_t len)
{
    int    n, rc;
    char  *line, answer[64];

    line = malloc(len + 128);
    if (line == NULL) {
        return -1;
    }

    n = snprintf(line, 126, "set %s 0 0 %zu\r\n", name, len);

    if (len > 0) {
        memcpy(line + n, value, len);
    }

    memcpy(line + n + len, "\r\n", 2);

    rc = memcached_say(address, line, (size_t) n + len + 2, "STORED", answer,
                       sizeof(answer));

    free(line);

    return rc;
}


int
memcached_listen(sss_address_t *address, int backlog)
{
    int  fd;

    fd = memcached_bind(address);

    if (fd != -1 && listen(fd, backlog) != 0) {
        close(fd);
        return -1;
    }

    return fd;
}


int
memcached_connect(const sss_address_t *address)
{
    int                      fd;
    socklen_t                len;
    struct sockaddr_storage  ss;

    len = memcached_sockaddr(address, &ss);

    fd = socket(ss.ss_family, SOCK_STREAM|SOCK_CLOEXEC|SOCK_NONBLOCK, 0);
    if (fd == -1) {
        return -1;
    }

    if (connect(fd, (struct sockaddr *) &ss, len) != 0
        && errno != EINPROGRESS)
    {
        close(fd);
        return -1;
    }

    return fd;
}


int
fake_start(fake_t *fake)
{
    if (fake->address.host[0] == '\0') {
        snprintf(fake->address.host, sizeof(fake->address.host),
                 "127.0.0.1");
    }

    atomic_store(&fake->stop, 0);

    fake->fd = memcached_listen(&fake->address, 64);
    if (fake->fd == -1) {
        return -1;
    }

    if (pthread_create(&fake->thread, NULL, fake_main, fake) != 0) {
        close(fake->fd);
        return -1;
    }

    return 0;
}


void
fake_stop(fake_t *fake)
{
    atomic_store(&fake->stop, 1);
    pthread_join(fake->thread, NULL);
    close(fake->fd);
}


static socklen_t
memcached_sockaddr(const sss_address_t *address, struct sockaddr_storage *ss)
{
    struct sockaddr_in   *in;
    struct sockaddr_un   *un;
    struct sockaddr_in6  *in6;

    memset(ss, 0, sizeof(struct sockaddr_storage));

    if (address->host[0] == '/') {
        un = (struct sockaddr_un *) ss;
        un->sun_family = AF_UNIX;
        snprintf(un->sun_path, sizeof(un->sun_path), "%.100s",
                 address->host);
        return sizeof(struct sockaddr_un);
    }

    if (strchr(address->host, ':')) {
        in6 = (struct sockaddr_in6 *) ss;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(address->port);
        (void) inet_pton(AF_INET6, address->host, &in6->sin6_addr);
        return sizeof(struct sockaddr_in6);
    }

    in = (struct sockaddr_in *) ss;
    in->sin_family = AF_INET;
    in->sin_port = htons(address->port);
    (void) inet_pton(AF_INET, address->host, &in->sin_addr);

    return sizeof(struct sockaddr_in);
}


static int
memcached_bind(sss_address_t *address)
{
    int                      fd;
    socklen_t                len;
    struct sockaddr_storage  ss;

    address->port = 0;
    len = memcached_sockaddr(address, &ss);

    fd = socket(ss.ss_family, SOCK_STREAM|SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    if (bind(fd, (struct sockaddr *) &ss, len) != 0
        || getsockname(fd, (struct sockaddr *) &ss, &len) != 0)
    {
        close(fd);
        return -1;
    }

    address->port = ntohs(((struct sockaddr_in *) &ss)->sin_port);

    return fd;
}


static int
memcached_run(memcached_t *m)
{
    unsigned  tries;

    m->pid = fork();

    if (m->pid == 0) {
        memcached_exec(m);
        _exit(127);
    }

    for (tries = 0; m->pid > 0 && tries < 500; tries++) {

        if (waitpid(m->pid, NULL, WNOHANG) != 0) {
            m->pid = 0;
            return -1;
        }

        if (memcached_answers(m)) {
            return 0;
        }

        unit_pause(20);
    }

    memcached_stop(m);

    return -1;
}


/* A server with TLS is ready when it accepts a connection. */

static int
memcached_answers(const memcached_t *m)
{
    int            fd, error;
    socklen_t      len;
    struct pollfd  pfd;

    if (m->secured == NULL) {
        return memcached_tell(&m->address, "version\r\n", "VERSION") == 0;
    }

    fd = memcached_connect(&m->address);
    if (fd == -1) {
        return 0;
    }

    pfd.fd = fd;
    pfd.events = POLLOUT;
    error = 1;
    len = sizeof(error);

    if (poll(&pfd, 1, 5000) == 1) {
        (void) getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len);
    }

    close(fd);

    return error == 0;
}


static void
memcached_exec(memcached_t *m)
{
    int   fd;
    char  port[8];

    fd = open("/dev/null", O_WRONLY);

    if (fd != -1) {
        (void) dup2(fd, STDERR_FILENO);
    }

    prctl(PR_SET_PDEATHSIG, SIGKILL);

    if (m->address.port == 0) {
        execlp("memcached", "memcached", "-u", "root", "-t", "1", "-m", "64",
               "-s", m->address.host, m->option, (char *) NULL);
        return;
    }

    snprintf(port, sizeof(port), "%u", (unsigned) m->address.port);

    execlp("memcached", "memcached", "-u", "root", "-t", "1", "-m", "64",
           "-U", "0", "-l", m->address.host, "-p", port, m->option,
           m->secured ? "-o" : NULL, m->secured, (char *) NULL);
}


static void *
fake_main(void *data)
{
    int      fd;
    fake_t  *fake;

    fake = data;

    while (fake_wait(fake, fake->fd, POLLIN)) {

        fd = accept(fake->fd, NULL, NULL);

        if (fd != -1) {
            atomic_fetch_add(&fake->connections, 1);
            fake_serve(fake, fd);
            close(fd);
        }
    }

    return NULL;
}


static void
fake_serve(fake_t *fake, int fd)
{
    int          rc, in_get;
    char         bytes[16384];
    ssize_t      n;
    unsigned     count;
    const char  *first;

    first = fake->first;
    in_get = -1;

    while (fake_wait(fake, fd, POLLIN)) {

        n = recv(fd, bytes, sizeof(bytes), 0);
        if (n <= 0) {
            return;
        }

        if (memchr(bytes, '\n', (size_t) n) == NULL) {
            continue;
        }

        /* one read may return what was sent in two messages */

        for (count = fake->first ? fake_gets(bytes, (size_t) n, &in_get) : 1;
             count > 0; count--)
        {
            atomic_fetch_add(&fake->messages, 1);

            if (first) {
                rc = fake_answer(fake, fd, first, strlen(first));
                first = NULL;

            } else {
                rc = fake_answer(fake, fd, fake->bytes, fake->len);
            }

            if (rc != 0) {
                return;
            }
        }

        while (fake->repeat) {
            if (fake_answer(fake, fd, fake->bytes, fake->len) != 0) {
                return;
            }
        }

        if (fake->hang_up) {
            return;
        }
    }
}


/*
 * Counts the "get" lines that end in these bytes; *in is -1 between two lines.
 */

static unsigned
fake_gets(const char *bytes, size_t n, int *in)
{
    unsigned  count;

    for (count = 0; n > 0; n--, bytes++) {

        if (*in == -1) {
            *in = (*bytes == 'g');
        }

        if (*bytes == '\n') {
            count += (unsigned) *in;
            *in = -1;
        }
    }

    return count;
}


static int
fake_answer(fake_t *fake, int fd, const char *bytes, size_t len)
{
    size_t   n, sent;
    ssize_t  rc;

    for (sent = 0; sent < len; sent += (size_t) rc) {

        if (!fake_wait(fake, fd, POLLOUT)) {
            return -1;
        }

        n = fake->drip_ms ? 1 : len - sent;

        rc = send(fd, bytes + sent, n, MSG_NOSIGNAL|MSG_DONTWAIT);
        if (rc <= 0) {
            return -1;
        }

        if (fake->drip_ms) {
            unit_pause(fake->drip_ms);
        }
    }

    return 0;
}


static int
fake_wait(fake_t *fake, int fd, short events)
{
    struct pollfd  pfd;

    pfd.fd = fd;
    pfd.events = events;

    while (!atomic_load(&fake->stop)) {
        if (poll(&pfd, 1, 20) == 1) {
            return 1;
        }
    }

    return 0;
}
