# Takes the times out of a Java key store of version 2 that holds certificates alone: its entries get the time of
# SOURCE_DATE_EPOCH. What is no such store stays as it is.
use strict;
use warnings;

# The word that Java takes for the sum, and the password that Debian's store has.
my ($word, $password) = ('Mighty Aphrodite', 'changeit');

my ($path) = @ARGV;
exit 0 unless defined $path && -f $path;
open(my $in, '<:raw', $path) or die "cannot read $path: $!\n";
my $bytes = do { local $/; <$in> };
close $in;
exit 0 if length $bytes < 32 || substr($bytes, 0, 8) ne "\xfe\xed\xfe\xed\x00\x00\x00\x02";

my $body = substr($bytes, 0, -20);
exit 0 if sum($body) ne substr($bytes, -20);
my $time = pack('Q>', $ENV{SOURCE_DATE_EPOCH} * 1000);
my ($count, $at) = (unpack('N', substr($body, 8, 4)), 12);
for (1 .. $count) {
    exit 0 if unpack('N', substr($body, $at, 4)) != 2;
    $at += 4;
    $at += 2 + unpack('n', substr($body, $at, 2));
    substr($body, $at, 8) = $time;
    $at += 8;
    $at += 2 + unpack('n', substr($body, $at, 2));
    $at += 4 + unpack('N', substr($body, $at, 4));
}
exit 0 if $at != length $body;
open(my $out, '+<:raw', $path) or die "cannot write $path: $!\n";
print $out $body, sum($body);
close $out or die "cannot write $path: $!\n";

# The sum of a store's body.
sub sum {
    my ($body) = @_;
    my $salted = join('', map { pack('n', ord) } split(//, $password)) . $word . $body;
    my $file = "/tmp/keystore.$$";
    open(my $out, '>:raw', $file) or die "cannot write $file: $!\n";
    print $out $salted;
    close $out or die "cannot write $file: $!\n";
    my ($sum) = `sha1sum $file` =~ /^([0-9a-f]{40})/ or die "cannot sum $file\n";
    unlink $file;
    return pack('H*', $sum);
}
