#!/bin/sh
# What a machine can check of the house style.
. "$(dirname "$0")/lib.sh"
cd "$top" || exit 1
sources=$(ls src/*/*.[ch] tools/*.c tests/*/*.[ch])

is "tests can be executed" "$(find tests/cli -name '*.t' ! -perm -u+x)" ""
is "no banned calls" "$(grep -nE '\b(strcpy|strcat|sprintf|vsprintf|gets|atoi|atol|atof|strtok|system|popen|tmpnam|mktemp)\(' $sources)" ""
is "layout is clang-format's" "$(clang-format --output-replacements-xml $sources | grep -c '<replacement ')" 0
is "includes point left" "$(
	check() { grep -nE "#include \"($2)/" src/$1/*.[ch]; }
	check base 'formats|inputs|net|go|cluster|engine|graph|driver'
	check formats 'inputs|net|go|cluster|engine|graph|driver'
	check inputs 'net|go|cluster|engine|graph|driver'
	check net 'go|cluster|engine|graph|driver'
	check go 'net|cluster|engine|graph|driver'
	check cluster 'inputs|net|go|engine|graph|driver'
	check graph 'engine|cluster|driver'
	check engine 'go|cluster|graph|driver'
)" ""
is "no function is longer than 60 lines" "$(
	awk 'FNR == 1 { start = 0 }
	/^{$/ { start = FNR }
	/^}$/ { if (start && FNR - start > 61) print FILENAME ":" start; start = 0 }' $(ls src/*/*.c tools/*.c)
)" ""
is "mains are short" "$(wc -l tools/*.c | awk '$2 != "total" && $1 > 150 { print $2 }')" ""
is "manuals are clean" "$(mandoc -Tlint -W warning man/*.[157] | grep -v 'referenced manual not found')" ""
for tool in "$bin"/*; do
	name=$(basename "$tool")
	is "$name loads curl only if it talks to registries" \
		"$(ldd "$tool" | grep -c libcurl)" "$(case $name in ko-push | ko-load | ko-base | ko-save) echo 1 ;; *) echo 0 ;; esac)"
	ok "$name --help" "$tool" --help
	like "$name --version" "$("$tool" --version)" '[0-9]+\.[0-9]+\.[0-9]+'
	ok "$name has a manual" test -f "man/$name.1"
	"$tool" --no-such-option >/dev/null 2>"$tmp/err"
	is "$name: an unknown option has status 2" $? 2
	is "$name: and one line" "$(wc -l <"$tmp/err")" 1
	is "$name.1 has every option" "$(
		for option in $("$tool" --help | grep -oE -- ' --[a-z-]+' | sort -u); do
			case $option in --help | --verbose | --version) continue ;; esac
			[ "$name" = ko ] || grep -q -e "${option#-}" "man/$name.1" || echo "$option"
		done
	)" ""
done
done_testing
