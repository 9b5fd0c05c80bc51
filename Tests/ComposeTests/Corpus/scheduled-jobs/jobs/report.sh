echo "report $1" | tee -a /reports/all.txt
