#!/usr/bin/perl

# Every configuration in README.md and docs/ is accepted by nginx, every
# command there that makes a secret makes a good one, and every link to a
# file of the project leads to one.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Spec;
use File::Temp qw(tempdir);
use Test::More;

my $top = abs_path(File::Spec->catdir(dirname(__FILE__), '..'));
my $nginx = $ENV{SSS_NGINX} || 'nginx';
my $modules = $ENV{SSS_MODULES} || "$top/build/modules";
my @files = (glob("$top/*.md"), glob("$top/docs/*.md"));

$ENV{PATH} .= ':/usr/sbin:/sbin';

sub content {
    my ($name) = @_;

    open my $fh, '<', $name or die "$name: $!";
    local $/;
    return scalar <$fh>;
}

sub spew {
    my ($name, $text) = @_;

    open my $fh, '>', $name or die "$name: $!";
    print $fh $text;
    close $fh or die "$name: $!";
}

# What a reader would have around the example.

sub whole {
    my ($text) = @_;

    my $server = 'ssl_certificate cert.pem; ssl_certificate_key key.pem; '
                 . 'server { listen unix:tls.sock ssl; }';

    return $text if $text =~ /^http \{/m;

    if ($text =~ /^ssl_session_sync_cluster main/m) {
        return "$text\nevents {}\n"
               . "http { ssl_session_sync main; $server }\n";
    }

    return "load_module modules/ngx_ssl_session_sync_module.so;\n"
           . "events {}\nhttp { $text\n$server }\n";
}

sub accepted {
    my ($prefix, $text, $what) = @_;

    spew("$prefix/conf/nginx.conf",
         "pid nginx.pid;\nerror_log stderr;\n" . whole($text));

    local $ENV{LD_PRELOAD} = $ENV{SSS_NGINX_PRELOAD}
        if $ENV{SSS_NGINX_PRELOAD};

    my $out = `$nginx -t -p $prefix/ -c conf/nginx.conf 2>&1`;

    is($?, 0, "$what is accepted") or diag($out);
}

my $prefix = tempdir(CLEANUP => 1);

mkdir "$prefix/conf" or die $!;
mkdir "$prefix/logs" or die $!;
symlink $modules, "$prefix/modules" or die $!;

system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes "
       . "-days 2 -subj /CN=a.example -keyout $prefix/conf/key.pem "
       . "-out $prefix/conf/cert.pem >/dev/null 2>&1") == 0
    or die "openssl req failed";

mkdir "$prefix/conf/$_" or die $! for qw(tls session-sync);
spew("$prefix/conf/tls/tls.crt", content("$prefix/conf/cert.pem"));
spew("$prefix/conf/tls/tls.key", content("$prefix/conf/key.pem"));
spew("$prefix/conf/session-sync/secret", "0123456789abcdef" x 4 . "\n");
chmod 0400, "$prefix/conf/session-sync/secret" or die $!;
spew("$prefix/conf/ca.pem", content("$prefix/conf/cert.pem"));
spew("$prefix/conf/memcached.auth", "nginx:password\n");
chmod 0600, "$prefix/conf/memcached.auth" or die $!;

my ($configurations, $secrets) = (0, 0);

for my $file (@files) {

    my $text = content($file);
    my $name = File::Spec->abs2rel($file, $top);

    while ($text =~ /(\(umask 077; openssl rand [^\n]*\))/g) {
        my $command = $1;

        $command =~ s{/etc/nginx/}{};

        is(system("cd $prefix/conf && $command"), 0, "$name: $command");

        my $mode = (stat "$prefix/conf/session_sync.secret")[2] & 0777;

        is($mode, 0600, "$name: only root reads the secret");
        $secrets++;
    }
}

for my $file (@files) {

    my $text = content($file);
    my $name = File::Spec->abs2rel($file, $top);

    while ($text =~ /^( *)```nginx\n(.*?)^\1```/msg) {
        my ($indent, $example) = ($1, $2);

        $example =~ s/^$indent//mg;
        accepted($prefix, $example, "$name: example " . ++$configurations);
    }

    while ($text =~ /^( *)nginx\.conf: \|\n((?:\1 +\S.*\n|\n)+)/mg) {
        my ($indent, $example) = ("$1  ", $2);

        $example =~ s/^$indent//mg;
        $example =~ s/\bmemcached:11211/127.0.0.1:11211/;
        accepted($prefix, $example, "$name: manifest " . ++$configurations);
    }

    while ($text =~ /\]\((?!https?:)([^)#]+)/g) {
        ok(-e File::Spec->catfile(dirname($file), $1), "$name: $1 is there");
    }
}

# What the status page gives advice for is in the text, too.

my $advice = content("$top/ngx_module/ngx_ssl_session_sync_advice.c");
my $operations = content("$top/docs/operations.md");
my $directives = content("$top/docs/directives.md");
my ($table) = $operations =~ /^## Troubleshooting\n(.*?)^## /ms;
my ($remedies, $signs) = $advice =~ /_remedies\[\]\ =\ \{(.*?)^\};
                                     .*_signs\[\]\ =\ \{(.*?)^\};/msx;
my ($parts, $names) = (0, 0);

while ($remedies =~ /^    \{ "((?:[^"\\]|\\.)*)",$/mg) {
    my $part = $1 =~ s/\\(.)/$1/gr;

    like($table, qr/\Q$part\E/, "docs/operations.md: $part");
    $parts++;
}

while ($signs =~ /^    \{ "(\w+)", "(\w+)",/mg) {
    like($directives, qr/`$1`.*`$2`/s, "docs/directives.md: $2 of $1");
    $names++;
}

cmp_ok($parts, '>=', 19, 'what the page advises on was found');
cmp_ok($names, '>=', 12, 'and numbers');
cmp_ok($configurations, '>=', 3, 'examples were found');
cmp_ok($secrets, '>=', 2, 'commands were found');

done_testing();
