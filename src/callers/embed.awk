# Makes C strings of Lua scripts: `awk -f embed.awk record.lua hold.lua ...`. The first file stands in
# front of each of the others; lines that are comment alone are left out.

function line(text) {
    gsub(/\\/, "\\\\", text); gsub(/"/, "\\\"", text)
    return "    \"" text "\\n\"\n"
}
BEGIN {
    print "/* Made by embed.awk from the .lua files; do not edit. */"
    print "#include \"callers/scripts.h\""
}
FNR == 1 {
    if (++files > 2) print "    ;"
    if (files > 1) {
        name = FILENAME; sub(/.*\//, "", name); sub(/\.lua$/, "", name)
        printf "\nconst char script_%s[] =\n%s", name, prelude
    }
}
/^[ \t]*--/ || /^[ \t]*$/ { next }
files == 1 { prelude = prelude line($0); next }
{ printf "%s", line($0) }
END { print "    ;" }
