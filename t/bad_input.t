#!/usr/bin/perl

# Mistakes in the configuration and in secret files: nginx refuses each with
# the file, the line and what to do.
#
# Each section of a block is a file of its own that the configuration of
# Test::Nginx includes, so that the line of a mistake is known.  "refused" is
# the whole message: HERE and THERE are the places that are marked so, $DIR is
# the directory of the test, NUMBER a number, DOTS three dots, and three dots
# are anything.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use SSS;
use Test::More;
use Test::Nginx::Socket 'no_plan';

my $dir = directory();
my $good = '0123456789abcdef' x 4;

secret_file('open.secret', "$good\n", 0604);
secret_file('written.secret', "$good\n", 0602);
secret_file('empty.secret', '');
secret_file('comment.secret', "# nothing\n\n   \t# $good\n");
secret_file('short.secret', "# one\n\n" . substr($good, 1) . "\n");
secret_file('long.secret', "${good}0\n");
secret_file('two.secret', "$good $good\n");
secret_file('digit.secret', "$good\n" . substr($good, 1) . "g\n");
secret_file('zero.secret', substr($good, 1) . "\0\n");
secret_file('twice.secret', "$good\n" . uc($good) . "\n");
secret_file('weak.secret', '00' x 32 . "\n");
secret_file('many.secret', join '', "# many\n",
            map { sprintf("%064x\n", $_ * 7919) } 1 .. 9);
secret_file('open.auth', "nginx:89abcdef\n", 0604);
secret_file('colon.auth', "nginx-89abcdef\n");
secret_file('control.auth', "nginx:89abcdef\t\n");
secret_file('long.auth', 'nginx:' . '89abcdef' x 32 . "\n");
secret_file('good.auth', "nginx:89abcdef\n");
secret_file('big.secret', "#\n" x 100000);

write_file("$dir/good.inc", "memcached 127.0.0.1:1;\n");
write_file("$dir/servers.inc", "memcached 127.0.0.1:2;\nmemcached 10.0.0.1;\n");

# What a section is, and what Test::Nginx has it in.
my @sections = qw(main_config http_config config);

add_block_preprocessor(sub {
    my $block = shift;

    my $refused = quotemeta(trimmed($block->refused));
    my %place = (HERE => '', THERE => '');

    for my $section (@sections) {
        my $text = $block->$section // '';
        my $file = "$dir/$section";

        $text =~ s/\$DIR/$dir/g;
        write_file($file, $text);
        $block->set_value($section, "include $file;\n");

        my $line = 0;
        for (split /\n/, $text) {
            $line++;
            $place{$1} = "\Q$file\E:$line" if /# (HERE|THERE)$/;
        }
    }

    die $block->name . ': no line is marked' unless $place{HERE};

    $refused =~ s/\\\$DIR/quotemeta $dir/ge;
    $refused =~ s/\b(HERE|THERE)\b/$place{$1}/g;
    $refused =~ s/NUMBER/\\d+/g;
    $refused =~ s/\\\.\\\.\\\./.*/g;
    $refused =~ s/DOTS/\\.\\.\\./g;

    $block->set_value('must_die', 1);
    $block->set_value('error_log', qr/\[emerg\] \d+#\d+: $refused$/);
    $block->set_value('no_error_log', ['[alert]', '[crit]', '89abcdef']);
});

sub trimmed {
    my ($text) = @_;

    $text =~ s/\s+\z//;
    return $text;
}

no_shuffle();
run_tests();


# Two that need a client of another kind.

sub with_secret {
    my ($name) = @_;

    return "ssl_session_sync_cluster main {\n"
           . "    memcached 127.0.0.1:11211;\n    secret_file $name;\n}\n"
           . "events { }\nhttp { }\n";
}

{
    my $name = "$dir/pipe.secret";

    POSIX::mkfifo($name, 0600) or die "mkfifo: $!";

    my ($status, $text) = test_nginx(with_secret($name));

    ok($status, 'a pipe - refused, and nobody waits for a writer');
    like($text, qr/secret file "\Q$name\E" is not a regular file.* in /,
         'a pipe - what is wrong');
}

SKIP: {
    skip 'only root has files that another user cannot read', 2 if $>;

    my $name = secret_file('root.secret', "$good\n");
    my $nobody = getpwnam('nobody') // 65534;
    my ($status, $text) = test_nginx(with_secret($name), $nobody);

    skip 'the modules are not for everybody', 2 if $text =~ /dlopen\(\)/;

    ok($status, 'an unreadable secret file - refused');
    like($text, qr/must exist and be readable .* \(13: Permission denied\) in /,
         'an unreadable secret file - what is wrong');
}

__DATA__

=== TEST 1: two clusters of one name
--- main_config
ssl_session_sync_cluster main { } # THERE
ssl_session_sync_cluster other { }
ssl_session_sync_cluster main { } # HERE
--- refused
ssl_session_sync: cluster "main" is already defined in THERE; give one of the two another name in HERE



=== TEST 2: a cluster named off
--- main_config

ssl_session_sync_cluster off { } # HERE
--- refused
ssl_session_sync: a cluster cannot be named "off"; choose a name of 1 to 127 characters that is not "off" in HERE



=== TEST 3: a cluster with an empty name
--- main_config

ssl_session_sync_cluster "" { } # HERE
--- refused
ssl_session_sync: a cluster cannot be named ""; choose a name of 1 to 127 characters ... in HERE



=== TEST 4: a cluster with a name of 128 characters
--- main_config

ssl_session_sync_cluster xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx { } # HERE
--- refused
ssl_session_sync: a cluster cannot be named "xxx..."; choose a name of 1 to 127 characters ... in HERE



=== TEST 5: no name
--- main_config
ssl_session_sync_cluster { } # HERE
--- refused
invalid number of arguments in "ssl_session_sync_cluster" directive in HERE



=== TEST 6: two names
--- main_config
ssl_session_sync_cluster a b { } # HERE
--- refused
invalid number of arguments in "ssl_session_sync_cluster" directive in HERE



=== TEST 7: no block
--- main_config
ssl_session_sync_cluster main; # HERE
--- refused
directive "ssl_session_sync_cluster" has no opening "{" in HERE



=== TEST 8: a block inside of the block
--- main_config
ssl_session_sync_cluster main {
    memcached 127.0.0.1:11211 { # HERE
    }
}
--- refused
unexpected "{" in HERE



=== TEST 9: in http
--- http_config
ssl_session_sync_cluster main { } # HERE
--- refused
"ssl_session_sync_cluster" directive is not allowed here in HERE



=== TEST 10: in server
--- config
ssl_session_sync_cluster main { } # HERE
--- refused
"ssl_session_sync_cluster" directive is not allowed here in HERE



=== TEST 11: an unknown directive
--- main_config
ssl_session_sync_cluster main {
    key_rotate 1h; # HERE
}
--- refused
unknown directive "key_rotate" in "ssl_session_sync_cluster"; it takes memcached, secret_file, auth_file, ssl_trusted_certificate, ssl_certificate, ssl_certificate_key, namespace, key_rotation, poll_interval, lookup_timeout, forward_secrecy, generation and include in HERE



=== TEST 12: a directive of another place
--- main_config
ssl_session_sync_cluster main {
    ssl_session_sync main; # HERE
}
--- refused
unknown directive "ssl_session_sync" in "ssl_session_sync_cluster"; it takes memcached, ... and include in HERE



=== TEST 13: secret_file twice
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    secret_file $DIR/good.secret; # HERE
}
--- refused
"secret_file" directive is duplicate in HERE



=== TEST 14: namespace twice
--- main_config
ssl_session_sync_cluster main {
    namespace other;
    namespace other; # HERE
}
--- refused
"namespace" directive is duplicate in HERE



=== TEST 15: key_rotation twice
--- main_config
ssl_session_sync_cluster main {
    key_rotation 1h;
    key_rotation 1h; # HERE
}
--- refused
"key_rotation" directive is duplicate in HERE



=== TEST 16: poll_interval twice
--- main_config
ssl_session_sync_cluster main {
    poll_interval 2s;
    poll_interval 2s; # HERE
}
--- refused
"poll_interval" directive is duplicate in HERE



=== TEST 17: lookup_timeout twice
--- main_config
ssl_session_sync_cluster main {
    lookup_timeout 50ms;
    lookup_timeout 50ms; # HERE
}
--- refused
"lookup_timeout" directive is duplicate in HERE



=== TEST 18: zone_size, which does not exist any more
--- main_config
ssl_session_sync_cluster main {
    zone_size 1m; # HERE
}
--- refused
"zone_size" directive does not exist any more: the size of the zone follows from "key_rotation" and "ssl_session_timeout"; remove the line in HERE



=== TEST 19: zone_size of nothing
--- main_config
ssl_session_sync_cluster main {
    zone_size; # HERE
}
--- refused
"zone_size" directive does not exist any more: the size of the zone follows from "key_rotation" and "ssl_session_timeout"; remove the line in HERE



=== TEST 20: memcached of nothing
--- main_config
ssl_session_sync_cluster main {
    memcached; # HERE
}
--- refused
invalid number of arguments in "memcached" directive in HERE



=== TEST 21: secret_file of nothing
--- main_config
ssl_session_sync_cluster main {
    secret_file; # HERE
}
--- refused
invalid number of arguments in "secret_file" directive in HERE



=== TEST 22: namespace of nothing
--- main_config
ssl_session_sync_cluster main {
    namespace; # HERE
}
--- refused
invalid number of arguments in "namespace" directive in HERE



=== TEST 23: key_rotation of nothing
--- main_config
ssl_session_sync_cluster main {
    key_rotation; # HERE
}
--- refused
invalid number of arguments in "key_rotation" directive in HERE



=== TEST 24: poll_interval of nothing
--- main_config
ssl_session_sync_cluster main {
    poll_interval; # HERE
}
--- refused
invalid number of arguments in "poll_interval" directive in HERE



=== TEST 25: lookup_timeout of nothing
--- main_config
ssl_session_sync_cluster main {
    lookup_timeout; # HERE
}
--- refused
invalid number of arguments in "lookup_timeout" directive in HERE



=== TEST 26: secret_file of too much
--- main_config
ssl_session_sync_cluster main {
    secret_file a b; # HERE
}
--- refused
invalid number of arguments in "secret_file" directive in HERE



=== TEST 27: namespace of too much
--- main_config
ssl_session_sync_cluster main {
    namespace a b; # HERE
}
--- refused
invalid number of arguments in "namespace" directive in HERE



=== TEST 28: key_rotation of too much
--- main_config
ssl_session_sync_cluster main {
    key_rotation 1h 2h; # HERE
}
--- refused
invalid number of arguments in "key_rotation" directive in HERE



=== TEST 29: poll_interval of too much
--- main_config
ssl_session_sync_cluster main {
    poll_interval 1s 2s; # HERE
}
--- refused
invalid number of arguments in "poll_interval" directive in HERE



=== TEST 30: lookup_timeout of too much
--- main_config
ssl_session_sync_cluster main {
    lookup_timeout 1ms 2ms; # HERE
}
--- refused
invalid number of arguments in "lookup_timeout" directive in HERE



=== TEST 31: memcached of too much
--- main_config
ssl_session_sync_cluster main {
    memcached 127.0.0.1:11211 weight=1 weight=2; # HERE
}
--- refused
invalid parameter "weight=2" of memcached; "ssl", or "weight=" and a number from 1 to 1000 is expected, each once in HERE



=== TEST 32: an empty address
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   ""; # HERE
}
--- refused
invalid address "" of memcached: no address; expected host:port, [v6]:port or unix:/path in HERE



=== TEST 33: an address without a port
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1; # HERE
}
--- refused
invalid address "127.0.0.1" of memcached: no port; expected host:port or [v6]:port, memcached's usual port is 11211 in HERE



=== TEST 34: a colon and no port
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:; # HERE
}
--- refused
invalid address "127.0.0.1:" of memcached: no port; expected host:port or [v6]:port, ... in HERE



=== TEST 35: a port alone
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   :11211; # HERE
}
--- refused
invalid address ":11211" of memcached: neither a host name nor an IPv4 address before the port; expected host:port, [v6]:port or unix:/path in HERE



=== TEST 36: port 0
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:0; # HERE
}
--- refused
invalid address "127.0.0.1:0" of memcached: the port is not a number from 1 to 65535 in HERE



=== TEST 37: a port out of range
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:65536; # HERE
}
--- refused
invalid address "127.0.0.1:65536" of memcached: the port is not a number from 1 to 65535 in HERE



=== TEST 38: a port that is no number
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:11211x; # HERE
}
--- refused
invalid address "127.0.0.1:11211x" of memcached: the port is not a number from 1 to 65535 in HERE



=== TEST 39: a negative port
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:-1; # HERE
}
--- refused
invalid address "127.0.0.1:-1" of memcached: the port is not a number from 1 to 65535 in HERE



=== TEST 40: a port that would overflow
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:4294978507; # HERE
}
--- refused
invalid address "127.0.0.1:4294978507" of memcached: the port is not a number from 1 to 65535 in HERE



=== TEST 41: an IPv4 address that is none
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.256:11211; # HERE
}
--- refused
invalid address "127.0.0.256:11211" of memcached: not an IPv4 address; expected four numbers up to 255 in HERE



=== TEST 42: an IPv4 address of three numbers
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.1:11211; # HERE
}
--- refused
invalid address "127.0.1:11211" of memcached: not an IPv4 address; expected four numbers up to 255 in HERE



=== TEST 43: an IPv6 address without brackets
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   2001:db8::1:11211; # HERE
}
--- refused
invalid address "2001:db8::1:11211" of memcached: more than one colon; an IPv6 address is written in brackets, [v6]:port in HERE



=== TEST 44: a bracket that stays open
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   [::1:11211; # HERE
}
--- refused
invalid address "[::1:11211" of memcached: "]" is missing; expected [v6]:port in HERE



=== TEST 45: an IPv6 address without a port
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   [::1]; # HERE
}
--- refused
invalid address "[::1]" of memcached: no port; expected host:port or [v6]:port, ... in HERE



=== TEST 46: an IPv6 address that is none
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   [::g]:11211; # HERE
}
--- refused
invalid address "[::g]:11211" of memcached: not an IPv6 address between the brackets in HERE



=== TEST 47: nothing in the brackets
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   []:11211; # HERE
}
--- refused
invalid address "[]:11211" of memcached: not an IPv6 address between the brackets in HERE



=== TEST 48: an IPv4 address in brackets
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   [127.0.0.1]:11211; # HERE
}
--- refused
invalid address "[127.0.0.1]:11211" of memcached: not an IPv6 address between the brackets in HERE



=== TEST 49: a host name with an empty label
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   mem..example:11211; # HERE
}
--- refused
invalid address "mem..example:11211" of memcached: neither a host name nor an IPv4 address ... in HERE



=== TEST 50: a host name that is none
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   mem_/cached:11211; # HERE
}
--- refused
invalid address "mem_/cached:11211" of memcached: neither a host name nor an IPv4 address ... in HERE



=== TEST 51: no path of a socket
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   unix:; # HERE
}
--- refused
invalid address "unix:" of memcached: no absolute path after "unix:"; expected unix:/path in HERE



=== TEST 52: a relative path of a socket
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   unix:memcached.sock; # HERE
}
--- refused
invalid address "unix:memcached.sock" of memcached: no absolute path after "unix:"; expected unix:/path in HERE



=== TEST 53: a path too long for a socket
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   unix:/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; # HERE
}
--- refused
invalid address "unix:/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" of memcached: the path is too long for a Unix-domain socket in HERE



=== TEST 54: parameter weight=0
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:11211 weight=0; # HERE
}
--- refused
invalid parameter "weight=0" of memcached; "ssl", or "weight=" and a number from 1 to 1000 is expected, each once in HERE



=== TEST 55: parameter weight=1001
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:11211 weight=1001; # HERE
}
--- refused
invalid parameter "weight=1001" of memcached; "ssl", or "weight=" and a number from 1 to 1000 is expected, each once in HERE



=== TEST 56: parameter weight=-1
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:11211 weight=-1; # HERE
}
--- refused
invalid parameter "weight=-1" of memcached; "ssl", or "weight=" and a number from 1 to 1000 is expected, each once in HERE



=== TEST 57: parameter weight=
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:11211 weight=; # HERE
}
--- refused
invalid parameter "weight=" of memcached; "ssl", or "weight=" and a number from 1 to 1000 is expected, each once in HERE



=== TEST 58: parameter weight=2x
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:11211 weight=2x; # HERE
}
--- refused
invalid parameter "weight=2x" of memcached; "ssl", or "weight=" and a number from 1 to 1000 is expected, each once in HERE



=== TEST 59: parameter weight
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:11211 weight; # HERE
}
--- refused
invalid parameter "weight" of memcached; "ssl", or "weight=" and a number from 1 to 1000 is expected, each once in HERE



=== TEST 60: parameter backup
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:11211 backup; # HERE
}
--- refused
invalid parameter "backup" of memcached; "ssl", or "weight=" and a number from 1 to 1000 is expected, each once in HERE



=== TEST 61: parameter weight=99999999999999999999
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:11211 weight=99999999999999999999; # HERE
}
--- refused
invalid parameter "weight=99999999999999999999" of memcached; "ssl", or "weight=" and a number from 1 to 1000 is expected, each once in HERE



=== TEST 62: one server twice
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:11211;
    memcached   127.0.0.1:11212;
    memcached   127.0.0.1:11211 weight=2; # HERE
}
--- refused
memcached "127.0.0.1:11211" is given twice; remove one of the two lines in HERE



=== TEST 63: more servers than a cluster takes
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    memcached   127.0.0.1:20001;
    memcached   127.0.0.1:20002;
    memcached   127.0.0.1:20003;
    memcached   127.0.0.1:20004;
    memcached   127.0.0.1:20005;
    memcached   127.0.0.1:20006;
    memcached   127.0.0.1:20007;
    memcached   127.0.0.1:20008;
    memcached   127.0.0.1:20009;
    memcached   127.0.0.1:20010;
    memcached   127.0.0.1:20011;
    memcached   127.0.0.1:20012;
    memcached   127.0.0.1:20013;
    memcached   127.0.0.1:20014;
    memcached   127.0.0.1:20015;
    memcached   127.0.0.1:20016;
    memcached   127.0.0.1:20017; # HERE
}
--- refused
a cluster takes 16 memcached servers at the most; remove "127.0.0.1:20017" in HERE



=== TEST 64: memcached without a secret
--- main_config
ssl_session_sync_cluster main { # HERE
    memcached 127.0.0.1:11211;
}
--- refused
ssl_session_sync: cluster "main": "memcached" needs a "secret_file", without which keys would leave this host in the clear; write 64 random hex digits (openssl rand -hex 32) into a file of mode 600 and name it here in HERE



=== TEST 65: no secret file of that name
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/none.secret; # HERE
    namespace   other;
}
--- refused
open() "$DIR/none.secret" failed; the secret file must exist and be readable by the user that starts nginx (2: No such file or directory) in HERE



=== TEST 66: a path through a file
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/good.secret/x; # HERE
    namespace   other;
}
--- refused
open() "$DIR/good.secret/x" failed; the secret file must exist ... (20: Not a directory) in HERE



=== TEST 67: a secret file that everybody can read
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/open.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/open.secret" is open to every user of this host; run "chmod 600 $DIR/open.secret", and make a new secret if others may have read it in HERE



=== TEST 68: a secret file that everybody can write
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/written.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/written.secret" is open to every user of this host; ... in HERE



=== TEST 69: a device
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file /dev/null; # HERE
    namespace   other;
}
--- refused
secret file "/dev/null" is not a regular file; ... in HERE



=== TEST 70: a directory
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR; # HERE
    namespace   other;
}
--- refused
secret file "$DIR" is not a regular file; ... in HERE



=== TEST 71: an empty secret file
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/empty.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/empty.secret": no secret in the file; write one as 64 hex digits on a line, for example the output of "openssl rand -hex 32" in HERE



=== TEST 72: nothing but comments
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/comment.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/comment.secret": no secret in the file; write one as 64 hex digits on a line, for example the output of "openssl rand -hex 32" in HERE



=== TEST 73: a secret that is too short
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/short.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/short.secret" line 3: a secret must be exactly 64 hex digits on a line of its own, for example the output of "openssl rand -hex 32" in HERE



=== TEST 74: a secret that is too long
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/long.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/long.secret" line 1: a secret must be exactly 64 hex digits on a line of its own, for example the output of "openssl rand -hex 32" in HERE



=== TEST 75: two secrets on one line
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/two.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/two.secret" line 1: a secret must be exactly 64 hex digits on a line of its own, for example the output of "openssl rand -hex 32" in HERE



=== TEST 76: a character that is no hex digit
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/digit.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/digit.secret" line 2: a secret may contain only the hex digits 0-9 and a-f in HERE



=== TEST 77: a zero byte
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/zero.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/zero.secret" line 1: a secret may contain only the hex digits 0-9 and a-f in HERE



=== TEST 78: one secret twice
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/twice.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/twice.secret" line 2: this secret is in the file already; remove one of the lines in HERE



=== TEST 79: a secret of zeros
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/weak.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/weak.secret" line 1: all bytes of this secret are the same; replace it by the output of "openssl rand -hex 32" in HERE



=== TEST 80: more secrets than are taken
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/many.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/many.secret" line 10: more than 8 secrets; remove those no host uses any more in HERE



=== TEST 81: a file that cannot be one of secrets
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:11211;
    secret_file $DIR/big.secret; # HERE
    namespace   other;
}
--- refused
secret file "$DIR/big.secret" is larger than NUMBER bytes; one secret a line, 64 hex digits, is expected in HERE



=== TEST 82: an empty namespace
--- main_config
ssl_session_sync_cluster main { # HERE
    namespace "";
}
--- refused
ssl_session_sync: cluster "main": "namespace" must have 1 to 127 characters in HERE



=== TEST 83: a namespace of 128 characters
--- main_config
ssl_session_sync_cluster main { # HERE
    namespace xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx;
}
--- refused
ssl_session_sync: cluster "main": "namespace" must have 1 to 127 characters in HERE



=== TEST 84: a rotation of zero
--- main_config
ssl_session_sync_cluster main { # HERE
    key_rotation 0;
}
--- refused
ssl_session_sync: cluster "main": "key_rotation" cannot be 0; give the time for which one key encrypts, such as 1h in HERE



=== TEST 85: a rotation of zero seconds
--- main_config
ssl_session_sync_cluster main { # HERE
    key_rotation 0s;
}
--- refused
ssl_session_sync: cluster "main": "key_rotation" cannot be 0; give the time for which one key encrypts, such as 1h in HERE



=== TEST 86: a rotation of years
--- main_config
ssl_session_sync_cluster main { # HERE
    key_rotation 2y;
}
--- refused
ssl_session_sync: cluster "main": "key_rotation" is longer than a year; keys that old give no forward secrecy, choose 1h to 1d in HERE



=== TEST 87: a poll interval of zero
--- main_config
ssl_session_sync_cluster main { # HERE
    poll_interval 0;
}
--- refused
ssl_session_sync: cluster "main": "poll_interval" cannot be 0; give the time between two looks at the shared keys, such as 2s in HERE



=== TEST 88: a lookup timeout of zero
--- main_config
ssl_session_sync_cluster main { # HERE
    lookup_timeout 0;
}
--- refused
ssl_session_sync: cluster "main": "lookup_timeout" cannot be 0; give the longest time a handshake may wait, such as 50ms in HERE



=== TEST 89: a lookup timeout of zero milliseconds
--- main_config
ssl_session_sync_cluster main { # HERE
    lookup_timeout 0ms;
}
--- refused
ssl_session_sync: cluster "main": "lookup_timeout" cannot be 0; give the longest time a handshake may wait, such as 50ms in HERE



=== TEST 90: key_rotation of 1q
--- main_config
ssl_session_sync_cluster main {
    key_rotation 1q; # HERE
}
--- refused
"key_rotation" directive invalid value in HERE



=== TEST 91: key_rotation of -1
--- main_config
ssl_session_sync_cluster main {
    key_rotation -1; # HERE
}
--- refused
"key_rotation" directive invalid value in HERE



=== TEST 92: key_rotation of 500ms
--- main_config
ssl_session_sync_cluster main {
    key_rotation 500ms; # HERE
}
--- refused
"key_rotation" directive invalid value in HERE



=== TEST 93: poll_interval of soon
--- main_config
ssl_session_sync_cluster main {
    poll_interval soon; # HERE
}
--- refused
"poll_interval" directive invalid value in HERE



=== TEST 94: lookup_timeout of 1.5s
--- main_config
ssl_session_sync_cluster main {
    lookup_timeout 1.5s; # HERE
}
--- refused
"lookup_timeout" directive invalid value in HERE



=== TEST 95: a poll interval longer than a quarter of a rotation
--- main_config
ssl_session_sync_cluster main { # HERE
    key_rotation  4s;
    poll_interval 1001ms;
}
--- refused
ssl_session_sync: cluster "main": "poll_interval" must be at most a quarter of "key_rotation", so that every host has a key before any host uses it; shorten the one or lengthen the other in HERE



=== TEST 96: a rotation too short for the default poll interval
--- main_config
ssl_session_sync_cluster main { # HERE
    key_rotation 7s;
}
--- refused
ssl_session_sync: cluster "main": "poll_interval" must be at most a quarter of "key_rotation", so that every host has a key before any host uses it; shorten the one or lengthen the other in HERE



=== TEST 97: a poll interval too long for the default rotation
--- main_config
ssl_session_sync_cluster main { # HERE
    poll_interval 901s;
}
--- refused
ssl_session_sync: cluster "main": "poll_interval" must be at most a quarter of "key_rotation", so that every host has a key before any host uses it; shorten the one or lengthen the other in HERE



=== TEST 98: a rotation too short for the session timeout
--- main_config

ssl_session_sync_cluster main { # HERE
    key_rotation  1s;
    poll_interval 250ms;
}
--- http_config
server {
    listen              unix:$DIR/tls.sock ssl;
    ssl_certificate     $DIR/a.crt;
    ssl_certificate_key $DIR/a.key;
    ssl_session_timeout 1d;
    ssl_session_sync    main;
}
--- refused
ssl_session_sync: cluster "main" would have to keep NUMBER keys, more than fit into one record of memcached: "key_rotation" of 1 seconds is too short for an "ssl_session_timeout" of 86400 seconds in HERE; lengthen the one or shorten the other



=== TEST 99: an unknown cluster
--- main_config
ssl_session_sync_cluster main { }
--- http_config
server {
    listen              unix:$DIR/tls.sock ssl;
    ssl_certificate     $DIR/a.crt;
    ssl_certificate_key $DIR/a.key;
    ssl_session_sync    mian; # HERE
}
--- refused
ssl_session_sync: unknown cluster "mian" in HERE; define it with "ssl_session_sync_cluster mian { DOTS }" at the top level, or say "off"



=== TEST 100: an unknown cluster, in another case
--- main_config
ssl_session_sync_cluster main { }
--- http_config
server {
    listen              unix:$DIR/tls.sock ssl;
    ssl_certificate     $DIR/a.crt;
    ssl_certificate_key $DIR/a.key;
    ssl_session_sync    Main; # HERE
}
--- refused
ssl_session_sync: unknown cluster "Main" in HERE; define it with "ssl_session_sync_cluster Main { DOTS }" at the top level, or say "off"



=== TEST 101: an unknown cluster, inherited
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync mian; # HERE
server {
    listen              unix:$DIR/tls.sock ssl;
    ssl_certificate     $DIR/a.crt;
    ssl_certificate_key $DIR/a.key;
}
--- refused
ssl_session_sync: unknown cluster "mian" in HERE; define it with "ssl_session_sync_cluster mian { DOTS }" at the top level, or say "off"



=== TEST 102: no cluster at all
--- http_config
server {
    listen              unix:$DIR/tls.sock ssl;
    ssl_certificate     $DIR/a.crt;
    ssl_certificate_key $DIR/a.key;
    ssl_session_sync    main; # HERE
}
--- refused
ssl_session_sync: unknown cluster "main" in HERE; define it with "ssl_session_sync_cluster main { DOTS }" at the top level, or say "off"



=== TEST 103: an empty name of a cluster
--- main_config
ssl_session_sync_cluster main { }
--- http_config
server {
    listen              unix:$DIR/tls.sock ssl;
    ssl_certificate     $DIR/a.crt;
    ssl_certificate_key $DIR/a.key;
    ssl_session_sync    ""; # HERE
}
--- refused
ssl_session_sync: unknown cluster "" in HERE; define it with "ssl_session_sync_cluster  { DOTS }" at the top level, or say "off"



=== TEST 104: an unknown cluster in stream
--- skip_eval: 5: !SSS::has_module('stream')
--- main_config
stream {
    server {
        listen              unix:$DIR/stream.sock ssl;
        ssl_certificate     $DIR/a.crt;
        ssl_certificate_key $DIR/a.key;
        return              "";
        ssl_session_sync    main; # HERE
    }
}
--- refused
ssl_session_sync: unknown cluster "main" in HERE; define it with "ssl_session_sync_cluster main { DOTS }" at the top level, or say "off"



=== TEST 105: an unknown cluster in mail
--- skip_eval: 5: !SSS::has_module('mail')
--- main_config
mail {
    auth_http 127.0.0.1:1/;
    server {
        listen              unix:$DIR/mail.sock ssl;
        protocol            imap;
        ssl_certificate     $DIR/a.crt;
        ssl_certificate_key $DIR/a.key;
        ssl_session_sync    main; # HERE
    }
}
--- refused
ssl_session_sync: unknown cluster "main" in HERE; define it with "ssl_session_sync_cluster main { DOTS }" at the top level, or say "off"



=== TEST 106: a cluster that is not there, in http without any TLS
--- http_config
ssl_session_sync main; # HERE
--- refused
ssl_session_sync: unknown cluster "main" in HERE; define it with "ssl_session_sync_cluster main { DOTS }" at the top level, or say "off"



=== TEST 107: a server without TLS
--- main_config
ssl_session_sync_cluster main { }
--- config
ssl_session_sync main; # HERE
--- refused
"ssl_session_sync main" in HERE, but no TLS is configured there; move it to a server with "listen DOTS ssl" and "ssl_certificate", or remove it



=== TEST 108: a server with a certificate and no TLS listener
--- main_config
ssl_session_sync_cluster main { }
--- http_config
server {
    listen              unix:$DIR/plain.sock;
    ssl_certificate     $DIR/a.crt;
    ssl_certificate_key $DIR/a.key;
    ssl_session_sync    main; # HERE
}
--- refused
"ssl_session_sync main" in HERE, but no TLS is configured there; move it to a server with "listen DOTS ssl" and "ssl_certificate", or remove it



=== TEST 109: stream without TLS
--- skip_eval: 5: !SSS::has_module('stream')
--- main_config
ssl_session_sync_cluster main { }
stream {
    server {
        listen              unix:$DIR/stream.sock;
        return              "";
        ssl_session_sync    main; # HERE
    }
}
--- refused
"ssl_session_sync main" in HERE, but no TLS is configured there; move it to a server with "listen DOTS ssl" and "ssl_certificate", or remove it



=== TEST 110: mail without TLS
--- skip_eval: 5: !SSS::has_module('mail')
--- main_config
ssl_session_sync_cluster main { }
mail {
    auth_http 127.0.0.1:1/;
    server {
        listen              unix:$DIR/mail.sock;
        protocol            imap;
        ssl_session_sync    main; # HERE
    }
}
--- refused
"ssl_session_sync main" in HERE, but no TLS is configured there; move it to a server with "listen DOTS ssl" and "ssl_certificate", or remove it



=== TEST 111: a name-based server where the default server does not synchronise
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_certificate     $DIR/a.crt;
ssl_certificate_key $DIR/a.key;
server {
    listen           unix:$DIR/tls.sock ssl;
    server_name      a.example;
}
server {
    listen           unix:$DIR/tls.sock ssl;
    server_name      b.example;
    ssl_session_sync main; # HERE
}
--- refused
"ssl_session_sync main" in HERE cannot work on the listener unix:$DIR/tls.sock, whose default server has no ssl_session_sync: the sessions of a listener belong to its default server; enable ssl_session_sync there (and switch it "off" in the servers that must not have it)



=== TEST 112: the same where the default server comes last
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_certificate     $DIR/a.crt;
ssl_certificate_key $DIR/a.key;
server {
    listen           unix:$DIR/tls.sock ssl;
    server_name      b.example;
    ssl_session_sync main; # HERE
}
server {
    listen           unix:$DIR/tls.sock ssl default_server;
    server_name      a.example;
}
--- refused
"ssl_session_sync main" in HERE cannot work on the listener unix:$DIR/tls.sock, whose default server has no ssl_session_sync: the sessions of a listener belong to its default server; enable ssl_session_sync there (and switch it "off" in the servers that must not have it)



=== TEST 113: the same where the default server is off
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_certificate     $DIR/a.crt;
ssl_certificate_key $DIR/a.key;
ssl_session_sync    main; # HERE
server {
    listen           unix:$DIR/tls.sock ssl;
    server_name      a.example;
    ssl_session_sync off;
}
server {
    listen           unix:$DIR/tls.sock ssl;
    server_name      b.example;
}
--- refused
"ssl_session_sync main" in HERE cannot work on the listener unix:$DIR/tls.sock, whose default server has no ssl_session_sync: the sessions of a listener belong to its default server; enable ssl_session_sync there (and switch it "off" in the servers that must not have it)



=== TEST 114: ssl_session_sync twice
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
ssl_session_sync off; # HERE
--- refused
"ssl_session_sync" directive is duplicate in HERE



=== TEST 115: ssl_session_sync twice in a server
--- main_config
ssl_session_sync_cluster main { }
--- config
ssl_session_sync main;
ssl_session_sync main; # HERE
--- refused
"ssl_session_sync" directive is duplicate in HERE



=== TEST 116: ssl_session_sync of a location
--- main_config
ssl_session_sync_cluster main { }
--- config
location / {
    ssl_session_sync main; # HERE
}
--- refused
"ssl_session_sync" directive is not allowed here in HERE



=== TEST 117: ssl_session_sync of main
--- main_config
ssl_session_sync_cluster main { }
ssl_session_sync main; # HERE
--- refused
"ssl_session_sync" directive is not allowed here in HERE



=== TEST 118: ssl_session_sync of nothing
--- main_config
ssl_session_sync_cluster main { }
--- config
ssl_session_sync; # HERE
--- refused
invalid number of arguments in "ssl_session_sync" directive in HERE



=== TEST 119: ssl_session_sync of two clusters
--- main_config
ssl_session_sync_cluster main { }
--- config
ssl_session_sync main main; # HERE
--- refused
invalid number of arguments in "ssl_session_sync" directive in HERE



=== TEST 120: an empty scope
--- config

ssl_session_sync_scope ""; # HERE
--- refused
ssl_session_sync_scope cannot be empty; give "auto" or a string that all servers of one trust scope have in common in HERE



=== TEST 121: an empty scope in stream
--- skip_eval: 5: !SSS::has_module('stream')
--- main_config
stream {
    ssl_session_sync_scope ""; # HERE
}
--- refused
ssl_session_sync_scope cannot be empty; give "auto" or a string that all servers of one trust scope have in common in HERE



=== TEST 122: a scope twice
--- config
ssl_session_sync_scope a;
ssl_session_sync_scope b; # HERE
--- refused
"ssl_session_sync_scope" directive is duplicate in HERE



=== TEST 123: a scope of nothing
--- config
ssl_session_sync_scope; # HERE
--- refused
invalid number of arguments in "ssl_session_sync_scope" directive in HERE



=== TEST 124: a scope of a location
--- config
location / {
    ssl_session_sync_scope a; # HERE
}
--- refused
"ssl_session_sync_scope" directive is not allowed here in HERE



=== TEST 125: status of a server
--- config
ssl_session_sync_status; # HERE
--- refused
"ssl_session_sync_status" directive is not allowed here in HERE



=== TEST 126: status with an argument
--- config
location = /status {
    ssl_session_sync_status json; # HERE
}
--- refused
invalid number of arguments in "ssl_session_sync_status" directive in HERE



=== TEST 127: a mistake in a file that is included
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    include     $DIR/servers.inc; # HERE
}
--- refused
invalid address "10.0.0.1" of memcached: ... in $DIR/servers.inc:2



=== TEST 128: include of nothing
--- main_config
ssl_session_sync_cluster main {
    include; # HERE
}
--- refused
invalid number of arguments in "include" directive in HERE



=== TEST 129: a server of an included file once more
--- main_config
ssl_session_sync_cluster main {
    secret_file $DIR/good.secret;
    include     $DIR/good.inc;
    memcached   127.0.0.1:1; # HERE
}
--- refused
memcached "127.0.0.1:1" is given twice; remove one of the two lines in HERE



=== TEST 130: no auth file of that name
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:1;
    secret_file $DIR/good.secret;
    auth_file   $DIR/none.auth; # HERE
}
--- refused
open() "$DIR/none.auth" failed; the auth file must exist and be readable by the user that starts nginx (2: No such file or directory) in HERE



=== TEST 131: an auth file that everybody can read
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:1;
    secret_file $DIR/good.secret;
    auth_file   $DIR/open.auth; # HERE
}
--- refused
auth file "$DIR/open.auth" is open to every user of this host; run "chmod 600 $DIR/open.auth", and change the password if others may have read it in HERE



=== TEST 132: an auth file without a colon
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:1;
    secret_file $DIR/good.secret;
    auth_file   $DIR/colon.auth; # HERE
}
--- refused
auth file "$DIR/colon.auth": no user:password on the first line; write one as memcached's own file (option -Y) has it in HERE



=== TEST 133: an auth file with a tab
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:1;
    secret_file $DIR/good.secret;
    auth_file   $DIR/control.auth; # HERE
}
--- refused
auth file "$DIR/control.auth": a blank or a control character in the first line, which memcached does not take; expected user:password in HERE



=== TEST 134: an auth file with a long password
--- main_config
ssl_session_sync_cluster main {
    memcached   127.0.0.1:1;
    secret_file $DIR/good.secret;
    auth_file   $DIR/long.auth; # HERE
}
--- refused
auth file "$DIR/long.auth": the first line is longer than the 254 characters that memcached takes; shorten the password in HERE



=== TEST 135: two auth files
--- main_config
ssl_session_sync_cluster main {
    auth_file $DIR/good.auth;
    auth_file $DIR/good.auth; # HERE
}
--- refused
"auth_file" directive is duplicate in HERE



=== TEST 136: a Unix-domain socket with TLS
--- main_config
ssl_session_sync_cluster main {
    memcached   unix:/run/memcached.sock ssl; # HERE
    secret_file $DIR/good.secret;
}
--- refused
memcached "unix:/run/memcached.sock" is a Unix-domain socket, which cannot have "ssl"; nothing that goes over it leaves this host, remove the parameter in HERE



=== TEST 137: TLS and nothing to trust
--- main_config
ssl_session_sync_cluster main { # HERE
    memcached   127.0.0.1:1 ssl;
    secret_file $DIR/good.secret;
}
--- refused
ssl_session_sync: cluster "main": "memcached DOTS ssl" needs "ssl_trusted_certificate", a file with the certificate of the authority that has signed those of memcached in HERE



=== TEST 138: certificates and no TLS
--- main_config
ssl_session_sync_cluster main { # HERE
    memcached   127.0.0.1:1;
    secret_file $DIR/good.secret;
    ssl_trusted_certificate $DIR/none.pem;
}
--- refused
ssl_session_sync: cluster "main": there are certificates for memcached, but no server has the parameter "ssl"; add it, or remove them in HERE



=== TEST 139: a certificate without its key
--- main_config
ssl_session_sync_cluster main { # HERE
    memcached   127.0.0.1:1 ssl weight=2;
    secret_file $DIR/good.secret;
    ssl_trusted_certificate $DIR/none.pem;
    ssl_certificate         $DIR/none.pem;
}
--- refused
ssl_session_sync: cluster "main": "ssl_certificate" and "ssl_certificate_key" need each other; give both if memcached asks for a certificate, and else none of them in HERE



=== TEST 140: trust in a file that is not there
--- main_config
ssl_session_sync_cluster main { # HERE
    memcached   127.0.0.1:1 weight=2 ssl;
    secret_file $DIR/good.secret;
    ssl_trusted_certificate $DIR/none.pem;
}
--- refused
ssl_session_sync: cluster "main": ssl_trusted_certificate "$DIR/none.pem" cannot be used: ...; certificates in PEM, each of which is trusted, are expected in a file that the user who starts nginx can read in HERE



=== TEST 141: trust in a file without certificates
--- main_config
ssl_session_sync_cluster main { # HERE
    memcached   127.0.0.1:1 ssl;
    secret_file $DIR/good.secret;
    ssl_trusted_certificate $DIR/good.secret;
}
--- refused
ssl_session_sync: cluster "main": ssl_trusted_certificate "$DIR/good.secret" cannot be used: ...; certificates in PEM, ... in HERE



=== TEST 142: a key file without a key
--- main_config
ssl_session_sync_cluster main { # HERE
    memcached   127.0.0.1:1 ssl;
    secret_file $DIR/good.secret;
    ssl_trusted_certificate $DIR/a.crt;
    ssl_certificate         $DIR/a.crt;
    ssl_certificate_key     $DIR/a.crt;
}
--- refused
ssl_session_sync: cluster "main": ssl_certificate_key "$DIR/a.crt" cannot be used: ...; the key of "ssl_certificate" in PEM, without a password, is expected in a file that the user who starts nginx can read in HERE



=== TEST 143: a client certificate in a file without one
--- main_config
ssl_session_sync_cluster main { # HERE
    memcached   127.0.0.1:1 ssl;
    secret_file $DIR/good.secret;
    ssl_trusted_certificate $DIR/a.crt;
    ssl_certificate         $DIR/good.secret;
    ssl_certificate_key     $DIR/good.secret;
}
--- refused
ssl_session_sync: cluster "main": ssl_certificate "$DIR/good.secret" cannot be used: ...; a certificate in PEM, ... in HERE



=== TEST 144: a generation of nothing
--- main_config
ssl_session_sync_cluster main { # HERE
    generation 0;
}
--- refused
ssl_session_sync: cluster "main": "generation" must be from 1 to 1000000; raise it by 1 to drop all keys and sessions of the cluster in HERE



=== TEST 145: a generation that leaves no room for another
--- main_config
ssl_session_sync_cluster main { # HERE
    generation 1000001;
}
--- refused
ssl_session_sync: cluster "main": "generation" must be from 1 to 1000000; raise it by 1 to drop all keys and sessions of the cluster in HERE



=== TEST 146: a generation in words
--- main_config
ssl_session_sync_cluster main {
    generation two; # HERE
}
--- refused
"generation" directive invalid number in HERE



=== TEST 147: a generation twice
--- main_config
ssl_session_sync_cluster main {
    generation 2;
    generation 3; # HERE
}
--- refused
"generation" directive is duplicate in HERE



=== TEST 148: forward secrecy, perhaps
--- main_config
ssl_session_sync_cluster main {
    forward_secrecy perhaps; # HERE
}
--- refused
invalid value "perhaps" in "forward_secrecy" directive, it must be "on" or "off" in HERE



=== TEST 149: an unknown rule for early data
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
ssl_session_sync_early_data twice; # HERE
--- refused
invalid value "twice" of ssl_session_sync_early_data; say "once", "off" or "any" in HERE



=== TEST 150: a rule for early data where nothing synchronises
--- http_config
server {
    listen unix:$DIR/tls.sock ssl;
    ssl_session_sync_early_data once; # HERE
}
--- refused
"ssl_session_sync_early_data" in HERE, but the server does not synchronise; give it ssl_session_sync, or remove the line



=== TEST 151: a rule for early data where "off" has been said
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
server {
    listen unix:$DIR/tls.sock ssl;
    ssl_session_sync_early_data any; # HERE
    ssl_session_sync off;
}
--- refused
"ssl_session_sync_early_data" in HERE, but the server does not synchronise; give it ssl_session_sync, or remove the line



=== TEST 152: two rules for early data
--- main_config
ssl_session_sync_cluster main { }
--- http_config
ssl_session_sync main;
ssl_session_sync_early_data once;
ssl_session_sync_early_data once; # HERE
--- refused
"ssl_session_sync_early_data" directive is duplicate in HERE
