"""How a chat is answered: by one call, by steps of reasoning and then an answer, or as a classifier chooses."""
