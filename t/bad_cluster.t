#!/usr/bin/perl

# Mistakes inside of ssl_session_sync_cluster: nginx refuses each with the
# file, the line and what to do.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use SSS;
use Test::Nginx::Socket 'no_plan';

my $good = '0123456789abcdef' x 4;

secret_file('open.secret', "$good\n", 0644);
secret_file('empty.secret', '');
secret_file('comment.secret', "# nothing\n\n");
secret_file('short.secret', "# one\n" . substr($good, 1) . "\n");
secret_file('long.secret', "${good}0\n");
secret_file('digit.secret', substr($good, 1) . "g\n");
secret_file('twice.secret', "$good\n" . uc($good) . "\n");
secret_file('weak.secret', '00' x 32 . "\n");
secret_file('many.secret',
            join '', map { sprintf("%064x\n", $_ * 7919) } 1 .. 9);
secret_file('big.secret', "#\n" x 100000);

no_shuffle();
run_tests();

__DATA__

=== TEST 1: two clusters of one name
--- main_config
ssl_session_sync_cluster main { }
ssl_session_sync_cluster main { }
--- config
--- must_die
--- error_log eval
qr/cluster "main" is already defined in \S+nginx\.conf:\d+; give one of the two another name in \S+nginx\.conf:\d+/



=== TEST 2: a cluster named off
--- main_config
ssl_session_sync_cluster off { }
--- config
--- must_die
--- error_log eval
qr/a cluster cannot be named "off"; choose a name .* in \S+nginx\.conf:\d+/



=== TEST 3: no name
--- main_config
ssl_session_sync_cluster { }
--- config
--- must_die
--- error_log eval
qr/invalid number of arguments in "ssl_session_sync_cluster" directive in \S+nginx\.conf:\d+/



=== TEST 4: unknown directive
--- main_config
ssl_session_sync_cluster main {
    key_rotate 1h;
}
--- config
--- must_die
--- error_log eval
qr/unknown directive "key_rotate" in "ssl_session_sync_cluster"; it takes memcached, secret_file, namespace, key_rotation, poll_interval, lookup_timeout and zone_size in \S+nginx\.conf:\d+/



=== TEST 5: directive twice
--- main_config
ssl_session_sync_cluster main {
    key_rotation 1h;
    key_rotation 2h;
}
--- config
--- must_die
--- error_log eval
qr/"key_rotation" directive is duplicate in \S+nginx\.conf:\d+/



=== TEST 6: wrong number of arguments
--- main_config
ssl_session_sync_cluster main {
    namespace a b;
}
--- config
--- must_die
--- error_log eval
qr/invalid number of arguments in "namespace" directive in \S+nginx\.conf:\d+/



=== TEST 7: outside of the main context
--- config
ssl_session_sync_cluster main { }
--- must_die
--- error_log eval
qr/"ssl_session_sync_cluster" directive is not allowed here in \S+nginx\.conf:\d+/



=== TEST 8: an address without a port
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1;
    secret_file $TEST_NGINX_DIR/good.secret;
}
--- config
--- must_die
--- error_log eval
qr/invalid address "127\.0\.0\.1" of memcached: no port; expected host:port.* in \S+nginx\.conf:\d+/



=== TEST 9: an IPv6 address without brackets
--- main_config
ssl_session_sync_cluster main {
    memcached   2001:db8::1:11211;
    secret_file $TEST_NGINX_DIR/good.secret;
}
--- config
--- must_die
--- error_log eval
qr/invalid address "2001:db8::1:11211" of memcached: more than one colon.*\[v6\]:port in \S+nginx\.conf:\d+/



=== TEST 10: a port out of range
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:65536;
    secret_file $TEST_NGINX_DIR/good.secret;
}
--- config
--- must_die
--- error_log eval
qr/invalid address .* of memcached: the port is not a number from 1 to 65535 in \S+nginx\.conf:\d+/



=== TEST 11: port 0
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:0;
    secret_file $TEST_NGINX_DIR/good.secret;
}
--- config
--- must_die
--- error_log eval
qr/the port is not a number from 1 to 65535 in \S+nginx\.conf:\d+/



=== TEST 12: a relative path of a socket
--- main_config
ssl_session_sync_cluster main {
    memcached   unix:memcached.sock;
    secret_file $TEST_NGINX_DIR/good.secret;
}
--- config
--- must_die
--- error_log eval
qr/no absolute path after "unix:"; expected unix:\/path in \S+nginx\.conf:\d+/



=== TEST 13: an IPv4 address that is none
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.256:11211;
    secret_file $TEST_NGINX_DIR/good.secret;
}
--- config
--- must_die
--- error_log eval
qr/not an IPv4 address; expected four numbers up to 255 in \S+nginx\.conf:\d+/



=== TEST 14: one server twice
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    memcached   127.0.0.1:11211 weight=2;
    secret_file $TEST_NGINX_DIR/good.secret;
}
--- config
--- must_die
--- error_log eval
qr/memcached "127\.0\.0\.1:11211" is given twice; remove one of the two lines in \S+nginx\.conf:\d+/



=== TEST 15: weight of 0
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211 weight=0;
    secret_file $TEST_NGINX_DIR/good.secret;
}
--- config
--- must_die
--- error_log eval
qr/invalid parameter "weight=0" of memcached; "weight=" and a number from 1 to 1000 is expected in \S+nginx\.conf:\d+/



=== TEST 16: another parameter
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211 backup;
    secret_file $TEST_NGINX_DIR/good.secret;
}
--- config
--- must_die
--- error_log eval
qr/invalid parameter "backup" of memcached; "weight=" and a number/



=== TEST 17: more servers than a cluster takes
--- main_config eval
"ssl_session_sync_cluster main {\n"
. join('', map { "    memcached 127.0.0.1:$_;\n" } 20001 .. 20017)
. "    secret_file \$TEST_NGINX_DIR/good.secret;\n}\n"
--- config
--- must_die
--- error_log eval
qr/a cluster takes 16 memcached servers at the most; remove "127\.0\.0\.1:20017" in \S+nginx\.conf:\d+/



=== TEST 18: memcached without a secret
--- main_config
ssl_session_sync_cluster main {
    memcached 127.0.0.1:11211;
}
--- config
--- must_die
--- error_log eval
qr/cluster "main": "memcached" needs a "secret_file".*openssl rand -hex 32.* in \S+nginx\.conf:\d+/



=== TEST 19: no secret file of that name
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/none.secret;
}
--- config
--- must_die
--- error_log eval
qr/none\.secret" failed; the secret file must exist and be readable .*\(2: No such file or directory\) in \S+nginx\.conf:\d+|none\.secret" failed; the secret file must exist and be readable .* in \S+nginx\.conf:\d+ \(2: No such file or directory\)/



=== TEST 20: a secret file that everybody can read
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/open.secret;
}
--- config
--- must_die
--- error_log eval
qr/open\.secret" is open to every user of this host; run "chmod 600 \S+open\.secret".* in \S+nginx\.conf:\d+/



=== TEST 21: no regular file
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file /dev/null;
}
--- config
--- must_die
--- error_log eval
qr/secret file "\/dev\/null" is not a regular file.* in \S+nginx\.conf:\d+/



=== TEST 22: an empty secret file
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/empty.secret;
}
--- config
--- must_die
--- error_log eval
qr/empty\.secret": no secret in the file; write one as 64 hex digits.* in \S+nginx\.conf:\d+/



=== TEST 23: nothing but comments
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/comment.secret;
}
--- config
--- must_die
--- error_log eval
qr/comment\.secret": no secret in the file; write one as 64 hex digits.* in \S+nginx\.conf:\d+/



=== TEST 24: a secret that is too short, and on which line
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/short.secret;
}
--- config
--- must_die
--- error_log eval
qr/short\.secret" line 2: a secret must be exactly 64 hex digits.* in \S+nginx\.conf:\d+/



=== TEST 25: a secret that is too long
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/long.secret;
}
--- config
--- must_die
--- error_log eval
qr/long\.secret" line 1: a secret must be exactly 64 hex digits.* in \S+nginx\.conf:\d+/



=== TEST 26: a character that is no hex digit
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/digit.secret;
}
--- config
--- must_die
--- error_log eval
qr/digit\.secret" line 1: a secret may contain only the hex digits.* in \S+nginx\.conf:\d+/



=== TEST 27: one secret twice
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/twice.secret;
}
--- config
--- must_die
--- error_log eval
qr/twice\.secret" line 2: this secret is in the file already; remove one of the lines in \S+nginx\.conf:\d+/



=== TEST 28: a secret of zeros
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/weak.secret;
}
--- config
--- must_die
--- error_log eval
qr/weak\.secret" line 1: all bytes of this secret are the same; replace it.* in \S+nginx\.conf:\d+/



=== TEST 29: more secrets than are taken
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/many.secret;
}
--- config
--- must_die
--- error_log eval
qr/many\.secret" line 9: more than 8 secrets; remove those.* in \S+nginx\.conf:\d+/



=== TEST 30: a file that cannot be one of secrets
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/big.secret;
}
--- config
--- must_die
--- error_log eval
qr/big\.secret" is larger than \d+ bytes; one secret a line.* in \S+nginx\.conf:\d+/



=== TEST 31: no secret is shown
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $TEST_NGINX_DIR/long.secret;
}
--- config
--- must_die
--- no_error_log
89abcdef



=== TEST 32: a rotation of zero
--- main_config
ssl_session_sync_cluster main {
    key_rotation 0;
}
--- config
--- must_die
--- error_log eval
qr/cluster "main": "key_rotation" cannot be 0; give the time .* in \S+nginx\.conf:\d+/



=== TEST 33: a rotation that is no time
--- main_config
ssl_session_sync_cluster main {
    key_rotation 1q;
}
--- config
--- must_die
--- error_log eval
qr/"key_rotation" directive invalid value in \S+nginx\.conf:\d+/



=== TEST 34: a rotation of years
--- main_config
ssl_session_sync_cluster main {
    key_rotation 2y;
}
--- config
--- must_die
--- error_log eval
qr/"key_rotation" is longer than a year.*choose 1h to 1d in \S+nginx\.conf:\d+/



=== TEST 35: a poll interval of zero
--- main_config
ssl_session_sync_cluster main {
    poll_interval 0;
}
--- config
--- must_die
--- error_log eval
qr/"poll_interval" cannot be 0; give the time .* in \S+nginx\.conf:\d+/



=== TEST 36: a poll interval longer than a quarter of a rotation
--- main_config
ssl_session_sync_cluster main {
    key_rotation  4s;
    poll_interval 1001ms;
}
--- config
--- must_die
--- error_log eval
qr/"poll_interval" must be at most a quarter of "key_rotation".*shorten the one or lengthen the other in \S+nginx\.conf:\d+/



=== TEST 37: the default poll interval is too long for a short rotation
--- main_config
ssl_session_sync_cluster main {
    key_rotation 4s;
}
--- config
--- must_die
--- error_log eval
qr/"poll_interval" must be at most a quarter of "key_rotation"/



=== TEST 38: a lookup timeout of zero
--- main_config
ssl_session_sync_cluster main {
    lookup_timeout 0ms;
}
--- config
--- must_die
--- error_log eval
qr/"lookup_timeout" cannot be 0; give the longest time .* in \S+nginx\.conf:\d+/



=== TEST 39: a zone that is too small for anything
--- main_config
ssl_session_sync_cluster main {
    zone_size 8k;
}
--- config
--- must_die
--- error_log eval
qr/"zone_size" is too small; give it at least 32k .* in \S+nginx\.conf:\d+/



=== TEST 40: a zone that is too small for the keys of the longest session
--- main_config
ssl_session_sync_cluster main {
    key_rotation  10s;
    poll_interval 1s;
    zone_size     64k;
}
--- http_config
server {
    listen              unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_certificate     $TEST_NGINX_DIR/a.crt;
    ssl_certificate_key $TEST_NGINX_DIR/a.key;
    ssl_session_timeout 1h;
    ssl_session_sync    main;
}
--- config
--- must_die
--- error_log eval
qr/cluster "main": "zone_size" is too small for \d+ keys .* in \S+nginx\.conf:\d+; give it at least \d+k/



=== TEST 41: more keys than a record takes
--- main_config
ssl_session_sync_cluster main {
    key_rotation  1s;
    poll_interval 250ms;
    zone_size     64m;
}
--- http_config
server {
    listen              unix:$TEST_NGINX_DIR/tls.sock ssl;
    ssl_certificate     $TEST_NGINX_DIR/a.crt;
    ssl_certificate_key $TEST_NGINX_DIR/a.key;
    ssl_session_timeout 1d;
    ssl_session_sync    main;
}
--- config
--- must_die
--- error_log eval
qr/cluster "main" would have to keep \d+ keys.*"key_rotation" of 1 seconds is too short for an "ssl_session_timeout" of 86400 seconds in \S+nginx\.conf:\d+; lengthen the one or shorten the other/



=== TEST 42: an empty namespace
--- main_config
ssl_session_sync_cluster main {
    namespace "";
}
--- config
--- must_die
--- error_log eval
qr/"namespace" must have 1 to 127 characters in \S+nginx\.conf:\d+/
