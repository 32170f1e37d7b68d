
/* Words, numbers and tables of the page. */


#include "ngx_ssl_session_sync_html.h"


static void ngx_ssl_session_sync_html_table(ngx_buf_t *b,
    const char *caption, const ngx_ssl_session_sync_row_t *rows,
    ngx_uint_t n, ngx_uint_t zero);
static void ngx_ssl_session_sync_html_bars(ngx_buf_t *b, const char *what,
    const uint64_t *n, uint64_t sum);
static void ngx_ssl_session_sync_html_bounds(ngx_buf_t *b, ngx_uint_t i);
static void ngx_ssl_session_sync_html_thousands(ngx_buf_t *b,
    uint64_t number);


void
ngx_ssl_session_sync_print(ngx_buf_t *b, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    b->last = ngx_vslprintf(b->last, b->end, fmt, args);
    va_end(args);
}


void
ngx_ssl_session_sync_html_string(ngx_buf_t *b, const u_char *data, size_t len)
{
    size_t  escaped;

    escaped = ngx_escape_html(NULL, (u_char *) data, len);

    if (len + escaped < (size_t) (b->end - b->last)) {
        b->last = (u_char *) ngx_escape_html(b->last, (u_char *) data, len);
    }
}


void
ngx_ssl_session_sync_html_text(ngx_buf_t *b, const char *text)
{
    ngx_ssl_session_sync_html_string(b, (u_char *) text, ngx_strlen(text));
}


static void
ngx_ssl_session_sync_html_thousands(ngx_buf_t *b, uint64_t number)
{
    u_char      digits[NGX_INT64_LEN + 1], *last;
    ngx_uint_t  i, n;

    last = ngx_sprintf(digits, "%uL", number);
    n = last - digits;

    for (i = 0; i < n; i++) {
        ngx_ssl_session_sync_print(b, "%s%c",
                                   i && (n - i) % 3 == 0 ? "," : "",
                                   digits[i]);
    }
}


void
ngx_ssl_session_sync_html_number(ngx_buf_t *b, uint64_t number)
{
    ngx_ssl_session_sync_print(b, "<data value=\"%uL\">", number);
    ngx_ssl_session_sync_html_thousands(b, number);
    ngx_ssl_session_sync_print(b, "</data>");
}


void
ngx_ssl_session_sync_html_count(ngx_buf_t *b, uint64_t number,
    const char *one, const char *several)
{
    if (number == 1) {
        ngx_ssl_session_sync_print(b, "%s", one);
        return;
    }

    ngx_ssl_session_sync_html_thousands(b, number);
    ngx_ssl_session_sync_print(b, " %s", several);
}


/* Rounded down: 100 % are all of them. */

void
ngx_ssl_session_sync_html_share(ngx_buf_t *b, uint64_t part, uint64_t whole)
{
    uint64_t  tenths;

    tenths = (uint64_t) ((double) part / (double) whole * 1000);

    if (part >= whole) {
        ngx_ssl_session_sync_print(b, "100\302\240%%");
        return;
    }

    ngx_ssl_session_sync_print(b, "%uL.%uL\302\240%%", tenths / 10,
                               tenths % 10);
}


/* The two largest of its units. */

void
ngx_ssl_session_sync_html_duration(ngx_buf_t *b, uint64_t seconds)
{
    if (seconds < 60) {
        ngx_ssl_session_sync_print(b, "%uL s", seconds);

    } else if (seconds < 3600) {
        ngx_ssl_session_sync_print(b, "%uL min", seconds / 60);

        if (seconds < 600 && seconds % 60) {
            ngx_ssl_session_sync_print(b, " %uL s", seconds % 60);
        }

    } else if (seconds < 86400) {
        ngx_ssl_session_sync_print(b, "%uL h", seconds / 3600);

        if (seconds / 60 % 60) {
            ngx_ssl_session_sync_print(b, " %uL min", seconds / 60 % 60);
        }

    } else {
        ngx_ssl_session_sync_print(b, "%uL d", seconds / 86400);

        if (seconds / 3600 % 24) {
            ngx_ssl_session_sync_print(b, " %uL h", seconds / 3600 % 24);
        }
    }
}


void
ngx_ssl_session_sync_html_us(ngx_buf_t *b, uint64_t us)
{
    if (us < 1000) {
        ngx_ssl_session_sync_print(b, "%uL µs", us);

    } else if (us < 10000) {
        ngx_ssl_session_sync_print(b, "%uL.%uL ms", us / 1000,
                                   us % 1000 / 100);

    } else if (us < 1000000) {
        ngx_ssl_session_sync_print(b, "%uL ms", us / 1000);

    } else {
        ngx_ssl_session_sync_print(b, "%uL.%uL s", us / 1000000,
                                   us % 1000000 / 100000);
    }
}


/* Without the day or the year if it is that of "now". */

void
ngx_ssl_session_sync_html_date(ngx_buf_t *b, uint64_t seconds, uint64_t now)
{
    ngx_tm_t  tm, today;

    static const char *const  months[] = {
        "Jan", "Feb", "Mar", "Apr", "May", "Jun",
        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"
    };

    ngx_gmtime((time_t) seconds, &tm);
    ngx_gmtime((time_t) now, &today);

    ngx_ssl_session_sync_print(b, "<time datetime=\""
                               "%4d-%02d-%02dT%02d:%02d:%02dZ\">",
                               tm.ngx_tm_year, tm.ngx_tm_mon, tm.ngx_tm_mday,
                               tm.ngx_tm_hour, tm.ngx_tm_min, tm.ngx_tm_sec);

    if (seconds / 86400 != now / 86400) {
        ngx_ssl_session_sync_print(b, "%d %s ", tm.ngx_tm_mday,
                                   months[tm.ngx_tm_mon - 1]);
    }

    if (tm.ngx_tm_year != today.ngx_tm_year) {
        ngx_ssl_session_sync_print(b, "%d ", tm.ngx_tm_year);
    }

    ngx_ssl_session_sync_print(b, "%02d:%02d:%02d</time>", tm.ngx_tm_hour,
                               tm.ngx_tm_min, tm.ngx_tm_sec);
}


void
ngx_ssl_session_sync_html_moment(ngx_buf_t *b, uint64_t seconds, uint64_t now)
{
    ngx_ssl_session_sync_html_date(b, seconds, now);

    if (seconds == now) {
        ngx_ssl_session_sync_print(b, " <small>now</small>");
        return;
    }

    ngx_ssl_session_sync_print(b, " <small>%s", seconds > now ? "in " : "");
    ngx_ssl_session_sync_html_duration(b, seconds > now ? seconds - now
                                                        : now - seconds);
    ngx_ssl_session_sync_print(b, "%s</small>", seconds > now ? "" : " ago");
}


void
ngx_ssl_session_sync_html_rows(ngx_buf_t *b, const char *caption,
    const ngx_ssl_session_sync_row_t *rows, ngx_uint_t n)
{
    ngx_uint_t  i, zeros;

    zeros = 0;

    for (i = 0; i < n; i++) {
        zeros += (rows[i].value == 0);
    }

    if (zeros < n) {
        ngx_ssl_session_sync_html_table(b, caption, rows, n, 0);
    }

    if (zeros) {
        ngx_ssl_session_sync_print(b, "<details><summary>");

        if (zeros == n) {
            ngx_ssl_session_sync_html_count(b, zeros, "1 number is zero",
                                            "numbers are zero");
        } else {
            ngx_ssl_session_sync_html_count(b, zeros, "1 more is zero",
                                            "more are zero");
        }

        ngx_ssl_session_sync_print(b, "</summary>\n");
        ngx_ssl_session_sync_html_table(b, caption, rows, n, 1);
        ngx_ssl_session_sync_print(b, "</details>\n");
    }
}


static void
ngx_ssl_session_sync_html_table(ngx_buf_t *b, const char *caption,
    const ngx_ssl_session_sync_row_t *rows, ngx_uint_t n, ngx_uint_t zero)
{
    size_t      len;
    ngx_uint_t  i;

    ngx_ssl_session_sync_print(b, "<table><caption>%s%s</caption>\n<tbody>\n",
                               caption, zero ? ": zero" : "");

    for (i = 0; i < n; i++) {

        if ((rows[i].value == 0) != zero) {
            continue;
        }

        /* a sentence is one line of a table here */

        len = ngx_strlen(rows[i].title);
        len -= (rows[i].title[len - 1] == '.');

        ngx_ssl_session_sync_print(b, "<tr><th scope=\"row\">%*s", len,
                                   rows[i].title);

        if (!zero && rows[i].advice) {
            ngx_ssl_session_sync_print(b, " <small>");
            ngx_ssl_session_sync_html_text(b, rows[i].advice);
            ngx_ssl_session_sync_print(b, "</small>");
        }

        ngx_ssl_session_sync_print(b, "</th><td>");
        ngx_ssl_session_sync_html_number(b, rows[i].value);
        ngx_ssl_session_sync_print(b, "</td></tr>\n");
    }

    ngx_ssl_session_sync_print(b, "</tbody></table>\n");
}


void
ngx_ssl_session_sync_html_histogram(ngx_buf_t *b, const char *what,
    const uint64_t *n)
{
    uint64_t    sum;
    ngx_uint_t  i;

    sum = 0;

    for (i = 0; i < SSS_LATENCY_BUCKETS; i++) {
        sum += n[i];
    }

    if (sum == 0) {
        return;
    }

    ngx_ssl_session_sync_print(b, "<figure class=\"histogram\"><figcaption>"
                               "How long %s took</figcaption>\n", what);

    ngx_ssl_session_sync_html_bars(b, what, n, sum);

    ngx_ssl_session_sync_print(b, "<details><summary>As a table</summary>\n"
                               "<table><caption>How long %s took</caption>\n"
                               "<thead><tr><th scope=\"col\">time</th>"
                               "<th scope=\"col\">%s</th>"
                               "<th scope=\"col\">share</th></tr></thead>\n"
                               "<tbody>\n", what, what);

    for (i = 0; i < SSS_LATENCY_BUCKETS; i++) {

        if (n[i] == 0) {
            continue;
        }

        ngx_ssl_session_sync_print(b, "<tr><th scope=\"row\">");
        ngx_ssl_session_sync_html_bounds(b, i);
        ngx_ssl_session_sync_print(b, "</th><td>");
        ngx_ssl_session_sync_html_number(b, n[i]);
        ngx_ssl_session_sync_print(b, "</td><td>");
        ngx_ssl_session_sync_html_share(b, n[i], sum);
        ngx_ssl_session_sync_print(b, "</td></tr>\n");
    }

    ngx_ssl_session_sync_print(b, "</tbody></table></details></figure>\n");
}


/* Widths are shares of the picture's, so that its words never shrink. */

static void
ngx_ssl_session_sync_html_bars(ngx_buf_t *b, const char *what,
    const uint64_t *n, uint64_t sum)
{
    double      width, height;
    uint64_t    most, below;
    ngx_uint_t  i, half;

    static const struct {
        ngx_uint_t   bucket;
        const char  *label;
    } ticks[] = {
        { 0, "64 µs" }, { 4, "1 ms" }, { 8, "16 ms" }, { 12, "0.3 s" }
    };

    most = 0;
    below = 0;
    half = SSS_LATENCY_BUCKETS;

    for (i = 0; i < SSS_LATENCY_BUCKETS; i++) {
        most = ngx_max(most, n[i]);
        below += n[i];

        if (half == SSS_LATENCY_BUCKETS && below >= sum - sum / 2) {
            half = i;
        }
    }

    width = 100.0 / SSS_LATENCY_BUCKETS;

    ngx_ssl_session_sync_print(b, "<svg role=\"img\" width=\"100%%\" "
                               "height=\"92\" aria-label=\"");
    ngx_ssl_session_sync_html_count(b, sum, "One", what);

    if (half < SSS_LATENCY_BUCKETS - 1) {
        ngx_ssl_session_sync_print(b, "; half of them took less than ");
        ngx_ssl_session_sync_html_us(b, (uint64_t) 64 << half);

    } else {
        ngx_ssl_session_sync_print(b, "; half of them took ");
        ngx_ssl_session_sync_html_bounds(b, half);
    }

    ngx_ssl_session_sync_print(b, "\">\n");

    for (i = 0; i < SSS_LATENCY_BUCKETS; i++) {

        if (n[i] == 0) {
            continue;
        }

        height = 2 + 66.0 * (double) n[i] / (double) most;

        ngx_ssl_session_sync_print(b, "<rect x=\"%.2f%%\" y=\"%.1f\" "
                                   "width=\"%.2f%%\" height=\"%.1f\"><title>",
                                   width * i + width * 0.06, 70 - height,
                                   width * 0.88, height);
        ngx_ssl_session_sync_html_bounds(b, i);
        ngx_ssl_session_sync_print(b, ": ");
        ngx_ssl_session_sync_html_thousands(b, n[i]);
        ngx_ssl_session_sync_print(b, "</title></rect>\n");
    }

    ngx_ssl_session_sync_print(b, "<line x1=\"0\" x2=\"100%%\" y1=\"70.5\" "
                               "y2=\"70.5\"></line>\n");

    for (i = 0; i < sizeof(ticks) / sizeof(ticks[0]); i++) {
        ngx_ssl_session_sync_print(b, "<line x1=\"%.2f%%\" x2=\"%.2f%%\" "
                                   "y1=\"70\" y2=\"75\"></line>"
                                   "<text x=\"%.2f%%\" y=\"88\" "
                                   "text-anchor=\"middle\">%s</text>\n",
                                   width * (ticks[i].bucket + 1),
                                   width * (ticks[i].bucket + 1),
                                   width * (ticks[i].bucket + 1),
                                   ticks[i].label);
    }

    ngx_ssl_session_sync_print(b, "</svg>\n");
}


static void
ngx_ssl_session_sync_html_bounds(ngx_buf_t *b, ngx_uint_t i)
{
    if (i == 0) {
        ngx_ssl_session_sync_print(b, "less than 64 µs");
        return;
    }

    if (i == SSS_LATENCY_BUCKETS - 1) {
        ngx_ssl_session_sync_html_us(b, (uint64_t) 32 << i);
        ngx_ssl_session_sync_print(b, " or more");
        return;
    }

    ngx_ssl_session_sync_html_us(b, (uint64_t) 32 << i);
    ngx_ssl_session_sync_print(b, " to ");
    ngx_ssl_session_sync_html_us(b, (uint64_t) 64 << i);
}
