# SPDX-License-Identifier: Apache-2.0
# bash: words and options of adit and aditd. It asks the program that is installed, so it knows what that one knows.

# "name usage" of each command in the list of `adit help`, which ends at two spaces.
_adit_commands() { "$1" help 2>/dev/null | sed -n 's/^  \([a-z][^ ]*\( [^ ][^ ]*\)*\)  .*/\1/p'; }

# Options of `adit help WORD WORD`, with the name of what each takes: --ca FILE.
_adit_options() { "$@" 2>/dev/null | sed -n 's/^  \(--[a-z-]*\)\(, -[a-zA-Z]\)\{0,1\} \{0,1\}\([^ ]*\) .*/\1\2 \3/p'; }

_adit() {
	local program=${COMP_WORDS[0]} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local words=() options word value i
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ $word == [a-z]* ]] || continue
		# A word is a command, unless it is the value of an option.
		[[ ${COMP_WORDS[i-1]} == -* && i -gt 1 ]] && continue
		words+=("$word")
	done
	[[ ${words[0]:-} == help ]] && words=("${words[@]:1}")
	options=$(_adit_options "$program" help "${words[@]:0:2}")
	[[ -n $options ]] || options=$(_adit_options "$program" help "${words[@]:0:1}")
	if [[ $prev == -* ]]; then
		value=$(sed -n "s/^\(.*, \)\{0,1\}$prev\(, -.\)\{0,1\} //p" <<<"$options")
		case $value in
		FILE | DIR | PATH) mapfile -t COMPREPLY < <(compgen -f -- "$cur"); compopt -o filenames 2>/dev/null; return ;;
		?*) return ;;
		esac
	fi
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(sed 's/ .*//; s/,.*//' <<<"$options")" -- "$cur")
	elif ((${#words[@]} == 0)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_adit_commands "$program" | sed 's/ .*//' | uniq)" -- "$cur")
	elif ((${#words[@]} == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_adit_commands "$program" | sed -n "s/^${words[0]} \([a-z][a-z-]*\).*/\1/p")" -- "$cur")
	fi
}
complete -F _adit adit aditd
