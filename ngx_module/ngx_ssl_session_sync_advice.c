
/* What is wrong with a cluster, in words, and what to do about it: the table
 * "Troubleshooting" of docs/operations.md, for what is so at this moment.
 */


#include "ngx_ssl_session_sync_html.h"


/* ms: a host that starts is let in within a few polls */

#define NGX_SSL_SESSION_SYNC_PATIENCE  10000


typedef struct {
    const char  *part;          /* of the error or the trouble */
    const char  *advice;
} ngx_ssl_session_sync_remedy_t;


typedef struct {
    const char  *group;
    const char  *name;
    const char  *advice;
} ngx_ssl_session_sync_sign_t;


static ngx_uint_t ngx_ssl_session_sync_wrong_state(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static ngx_uint_t ngx_ssl_session_sync_wrong_hosts(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static ngx_uint_t ngx_ssl_session_sync_wrong_keys(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s);
static ngx_uint_t ngx_ssl_session_sync_wrong_server(ngx_buf_t *b,
    ngx_ssl_session_sync_known_t *server);
static void ngx_ssl_session_sync_wrong_item(ngx_buf_t *b, const char *class,
    const char *what, const char *advice);


/* The first one whose part is there is taken, so the special come first. */

static ngx_ssl_session_sync_remedy_t  ngx_ssl_session_sync_remedies[] = {

    { "keeps no versions of items",
      "Start this memcached without -C." },

    { "it refuses \"gets\"",
      "It is a proxy. Name the memcached servers behind it instead." },

    { "it takes no record that is as large as the keys are",
      "Start this memcached with a larger -I, or set a longer "
      "key_rotation." },

    { "it takes no writes",
      "Its memory is full, or it runs with -M: give it more memory, -m." },

    { "it loses what was written",
      "Give it more memory, -m. If a balancer spreads connections over "
      "several servers, name each of them." },

    { "what is there now is older than what was there before",
      "If a balancer spreads connections over several servers, name each of "
      "them. Otherwise find out why it is restarted again and again." },

    { "memcached wants a password",
      "auth_file has to have a line of the file that memcached was started "
      "with, option -Y. Reload nginx after a change." },

    { "memcached refuses the password",
      "auth_file has to have a line of the file that memcached was started "
      "with, option -Y. Reload nginx after a change." },

    { "timed out in the TLS handshake",
      "The server has no TLS at this port, or does not answer in time." },

    { "wrong version number",
      "The server has no TLS at this port." },

    { "certificate required",
      "It wants a certificate of its clients: set ssl_certificate and "
      "ssl_certificate_key in the cluster." },

    { "handshake failure",
      "It may want a certificate of its clients: set ssl_certificate and "
      "ssl_certificate_key in the cluster." },

    { "the certificate is refused",
      "For the reason that follows: renew memcached's certificate, or correct "
      "ssl_trusted_certificate." },

    { "Too many open connections",
      "Start this memcached with a larger -c." },

    { "the resolver does not answer",
      "It is DNS of this host that fails, not memcached." },

    { "the name could not be resolved",
      "It is DNS of this host that fails, not memcached. Or the name is "
      "wrong." },

    { "Connection refused",
      "Start memcached there, or correct its address; a firewall may refuse "
      "connections, too." },

    { "timed out",
      "Look whether memcached runs there, whether its address is right, and "
      "for a firewall in between." },

    { "No such file or directory",
      "Start memcached with this socket, or correct its path." },

    { NULL, NULL }
};


static ngx_ssl_session_sync_sign_t  ngx_ssl_session_sync_signs[] = {

    { "tickets", "unknown_key",
      "of before the rollout or of another cluster: nothing to do. Otherwise "
      "compare the current key, the namespace and the clocks of the hosts" },

    { "tickets", "refused_binding",
      "may not resume here; the error log says why at level info" },

    { "sessions", "refused_binding",
      "may not resume here; the error log says why at level info" },

    { "sessions", "misses",
      "if they rise: look at memcached's evictions and uptime; it may need "
      "more memory" },

    { "sessions", "failures", "memcached gave no answer" },

    { "sessions", "timeouts",
      "if they rise: memcached, or the way to it, is slow; lookup_timeout has "
      "to be well above a usual answer" },

    { "sessions", "dropped",
      "came while memcached did not answer" },

    { "sessions", "forged",
      "some are normal: of clients whose session's key was forgotten, and of "
      "other servers" },

    { "sessions", "bad_records",
      "see who else writes to this memcached; records are replaced by "
      "themselves" },

    { "early_data", "unanswered",
      "if they rise: memcached, or the way to it, is slow" },

    { "early_data", "forgotten",
      "a memcached server is half a minute old at most, or throws items out: "
      "more memory, or a memcached for this alone" },

    { "early_data", "servers",
      "tickets of before a server was restarted or flushed; otherwise compare "
      "the memcached servers of all hosts" },

    { "early_data", "clock",
      "run an NTP client on hosts and memcached; restart a memcached that was "
      "started before its clock was set" },

    { "servers", "bad_records",
      "see who else writes to this memcached; records are replaced by "
      "themselves" },

    { "joins", "refused",
      "answers that do not open are asked for again; see who else writes to "
      "this memcached" },

    { "joins", "given_up",
      "once after all hosts were down: nothing to do. Again and again: a "
      "memcached server keeps records of hosts that reach it and none of the "
      "servers that this host reaches" },

    { NULL, NULL, NULL }
};


void
ngx_ssl_session_sync_html_wrong(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t  i, n;

    ngx_ssl_session_sync_print(b, "<div class=\"wrong\" aria-live=\"polite\">"
                               "\n<h3>What is wrong</h3>\n<ul>\n");

    n = ngx_ssl_session_sync_wrong_state(b, s);
    n += ngx_ssl_session_sync_wrong_hosts(b, s);
    n += ngx_ssl_session_sync_wrong_keys(b, s);

    for (i = 0; i < s->n_servers; i++) {
        n += ngx_ssl_session_sync_wrong_server(b, &s->servers[i]);
    }

    if (n == 0) {
        ngx_ssl_session_sync_wrong_item(b, "good", "Nothing.", "");
    }

    ngx_ssl_session_sync_print(b, "</ul>\n</div>\n");
}


static ngx_uint_t
ngx_ssl_session_sync_wrong_state(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t  i;

    static const struct {
        const char  *state;
        const char  *class;
        const char  *what;
        const char  *advice;
    } states[] = {
        { "cut off", "bad", "This host is cut off: no memcached server takes "
          "its keys.",
          "Handshakes go on. Tickets that this host gives out from the next "
          "key on resume elsewhere only when a server answers again; see "
          "below what each of them lacks." },
        { "alone", "bad", "This host is alone: all others that use this "
          "namespace have another secret.",
          "Copy the secret from a host that is not alone; the error log names "
          "the file. Another cluster needs another namespace." },
        { "starting", "quiet", "This host is starting.",
          "The first poll of memcached has not ended yet." }
    };

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {

        if (ngx_strcmp(s->state, states[i].state) == 0) {
            ngx_ssl_session_sync_wrong_item(b, states[i].class,
                                            states[i].what, states[i].advice);
            return 1;
        }
    }

    if (ngx_strcmp(s->state, "joining") == 0 || s->report.waits) {
        ngx_ssl_session_sync_wrong_item(b,
                         s->waits_ms > NGX_SSL_SESSION_SYNC_PATIENCE
                         ? "bad" : "quiet",
                         "This host waits to be let into the group of the "
                         "others, and uses keys of its own.",
                         "A few seconds after a start are normal. Members "
                         "answer at every memcached server that they reach: "
                         "this host and the others must have one in common.");
        return 1;
    }

    return 0;
}


static ngx_uint_t
ngx_ssl_session_sync_wrong_hosts(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t  n;

    n = 0;

    if (s->report.foreign && ngx_strcmp(s->state, "alone") != 0) {
        ngx_ssl_session_sync_wrong_item(b, "bad",
                         "Another host uses this namespace with another "
                         "secret.",
                         "Copy the secret from a host that is not alone. "
                         "Another cluster needs another namespace.");
        n++;
    }

    if (s->report.mixed) {
        ngx_ssl_session_sync_wrong_item(b, "bad",
                         "Other hosts have another setting of "
                         "forward_secrecy, and share no keys with this one.",
                         "Give all hosts the same setting.");
        n++;
    }

    if (s->clock_warning) {
        ngx_ssl_session_sync_wrong_item(b, "bad",
                         "Clocks of this host and of memcached differ too "
                         "much.",
                         "Run an NTP client on the hosts and on memcached's.");
        n++;
    }

    if (s->cluster->generation < (ngx_int_t) s->label.generation) {
        ngx_ssl_session_sync_wrong_item(b, "warn",
                         "The generation in force is higher than the one "
                         "configured here.",
                         "Nothing breaks. Put the number in force into the "
                         "configuration of all hosts.");
        n++;
    }

    return n;
}


static ngx_uint_t
ngx_ssl_session_sync_wrong_keys(ngx_buf_t *b,
    ngx_ssl_session_sync_snapshot_t *s)
{
    ngx_uint_t  n;

    n = 0;

    if (ngx_ssl_session_sync_key(s->cluster, s->ring, s->now) == NULL) {
        ngx_ssl_session_sync_wrong_item(b, "bad",
                         "This host has no key to encrypt tickets with.",
                         "A moment after a start is normal. Otherwise the "
                         "error log says why no key could be made.");
        n++;
    }

    if (s->open) {
        ngx_ssl_session_sync_wrong_item(b, "warn",
                         "Workers ask memcached for no sessions by ID at the "
                         "moment: several lookups in a row came to nothing.",
                         "memcached, or the way to it, is slow. "
                         "lookup_timeout has to be well above a usual "
                         "answer.");
        n++;
    }

    return n;
}


static ngx_uint_t
ngx_ssl_session_sync_wrong_server(ngx_buf_t *b,
    ngx_ssl_session_sync_known_t *server)
{
    ngx_uint_t            bad;
    const char           *reason, *advice;
    sss_server_report_t  *report;

    report = server->report;
    reason = sss_server_trouble(report);
    bad = (report->state == SSS_SERVER_DOWN
           || report->state == SSS_SERVER_REFUSES);

    if (!bad && reason[0] == '\0') {
        return 0;
    }

    ngx_ssl_session_sync_print(b, "<li class=\"%s\"><strong>memcached ",
                               bad ? "bad" : "warn");
    ngx_ssl_session_sync_html_string(b, server->address.data,
                                     server->address.len);
    ngx_ssl_session_sync_print(b, " %s.</strong> ",
                               report->state == SSS_SERVER_DOWN ? "is down"
                               : bad ? "refuses keys" : "is of little use");

    advice = ngx_ssl_session_sync_server_advice(reason);

    if (reason[0] == '\0') {
        reason = report->error;
        advice = ngx_ssl_session_sync_server_advice(reason);
    }

    ngx_ssl_session_sync_print(b, "<q>");
    ngx_ssl_session_sync_html_text(b, reason);
    ngx_ssl_session_sync_print(b, "</q>");

    if (advice) {
        ngx_ssl_session_sync_print(b, " <span class=\"do\">");
        ngx_ssl_session_sync_html_text(b, advice);
        ngx_ssl_session_sync_print(b, "</span>");
    }

    ngx_ssl_session_sync_print(b, "</li>\n");

    return 1;
}


static void
ngx_ssl_session_sync_wrong_item(ngx_buf_t *b, const char *class,
    const char *what, const char *advice)
{
    ngx_ssl_session_sync_print(b, "<li class=\"%s\"><strong>%s</strong> "
                               "<span class=\"do\">%s</span></li>\n",
                               class, what, advice);
}


const char *
ngx_ssl_session_sync_server_advice(const char *error)
{
    ngx_ssl_session_sync_remedy_t  *remedy;

    for (remedy = ngx_ssl_session_sync_remedies; remedy->part; remedy++) {
        if (ngx_strstr(error, remedy->part)) {
            return remedy->advice;
        }
    }

    return NULL;
}


const char *
ngx_ssl_session_sync_number_advice(const char *group, const char *name)
{
    ngx_ssl_session_sync_sign_t  *sign;

    for (sign = ngx_ssl_session_sync_signs; sign->group; sign++) {
        if (ngx_strcmp(sign->group, group) == 0
            && ngx_strcmp(sign->name, name) == 0)
        {
            return sign->advice;
        }
    }

    return NULL;
}
