#compdef adit aditd
# SPDX-License-Identifier: Apache-2.0
# zsh: words and options of adit and aditd. It asks the program that is installed, so it knows what that one knows.

_adit() {
	local program=${words[1]} previous=${words[CURRENT-1]} value i
	local -a given list options
	for ((i = 2; i < CURRENT; i++)); do
		[[ ${words[i]} == [a-z]* ]] || continue
		# A word is a command, unless it is the value of an option.
		[[ $i -gt 2 && ${words[i-1]} == -* ]] || given+=(${words[i]})
	done
	[[ ${given[1]} == help ]] && given=(${given[2,-1]})
	options=(${(f)"$($program help ${given[1,2]} 2>/dev/null)"})
	((${#options})) || options=(${(f)"$($program help ${given[1]} 2>/dev/null)"})
	if [[ $previous == -* ]]; then
		# What the option takes stands behind its name, in capitals.
		value=${(M)options:#*(#b)(${previous}(|, -[a-zA-Z]) [A-Z]##)*}
		case $value in
		*"$previous"(|, -?)\ (FILE|DIR|PATH)*) _files; return ;;
		esac
	fi
	if [[ $PREFIX == -* ]]; then
		list=(${(M)${options##  }:#--*})
		list=(${${list%%[, ]*}})
		compadd -a list
	elif ((${#given} == 0)); then
		list=(${(u)${(M)${(f)"$($program help 2>/dev/null)"}:#  [a-z]*}##  })
		list=(${(u)list%% *})
		compadd -a list
	elif ((${#given} == 1)); then
		list=(${(M)${(f)"$($program help 2>/dev/null)"}:#  ${given[1]} [a-z]*})
		list=(${${list#  ${given[1]} }%%  *})
		list=(${(u)${list%% *}})
		compadd -a list
	fi
}
_adit "$@"
