help --bash-completion
